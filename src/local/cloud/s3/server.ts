import { messageOf, type Clock } from '../../../core/mod.js';
import { systemClock, systemRandom } from '../../../system/mod.js';
import { loopbackServer, type HttpRequest, type HttpResponse, type LoopbackServer } from '../../http/mod.js';
import type { Need } from '../iam/mod.js';
import { addressOf, checkKey, type Address } from './addressing.js';
import { authenticate } from './authenticate.js';
import { ConnectionDropped } from './body.js';
import { isBucketName } from './bucket-names.js';
import type { OperationContext, S3Answer, S3Call } from './call.js';
import { S3Error, s3Errors } from './errors.js';
import type { Fault, FaultScript } from './faults.js';
import { handlers } from './handlers.js';
import { needsOf, s3Arn } from './needs.js';
import { OPERATIONS, type S3Operation } from './operation-table.js';
import { checkHeaders, headersOf, headersOfQuery } from './request-headers.js';
import { remember, withoutSecrets, type RequestRecord } from './requests-log.js';
import { respond, type Exchange } from './respond.js';
import { operationOf } from './route.js';
import type { S3Credentials } from './sigv4.js';
import { FolderStore } from './store.js';
import type { StoredObject } from './stored-object.js';
import { Uploads } from './uploads.js';
import { errorDocument } from './xml.js';

export interface LocalS3Options {
  /** Where buckets are kept; made if absent. A server started again on it finds its objects. */
  readonly folder: string;
  /** The keys that may sign requests. A function is asked at each request, so that keys can come and go. */
  readonly credentials: readonly S3Credentials[] | ((accessKeyId: string) => S3Credentials | undefined);
  /** Why a key may not do what it asks, in AWS's words; undefined where it may. Default: each key may do everything. */
  readonly refusal?: (accessKeyId: string, needs: readonly Need[]) => string | undefined;
  /** Of the owner of everything. */
  readonly accountId?: string;
  /** Default: any free port. */
  readonly port?: number;
  /** Where all buckets are, and for which requests must be signed. Default us-east-1. */
  readonly region?: string;
  /** Made at start where absent. */
  readonly buckets?: readonly string[];
  readonly faults?: FaultScript;
  /** Also of the answers' Date header. */
  readonly clock?: Clock;
}

export interface LocalS3 extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; use path-style addressing. */
  readonly endpoint: string;
  readonly port: number;
  /** The requests so far, oldest first. */
  readonly log: readonly RequestRecord[];
  /** All objects of a bucket, sorted by key. */
  objects(bucket: string): readonly StoredObject[];
  /** The absolute path of an object's bytes. Throws where it does not exist. */
  path(bucket: string, key: string): string;
  /** Replaces the fault script; undefined ends all faults for requests to come. */
  setFaults(script: FaultScript | undefined): void;
  close(): Promise<void>;
}

const DEFAULT_REGION = 'us-east-1';
const DEFAULT_ACCOUNT = '123456789012';

/**
 * Starts an S3 for development and tests on 127.0.0.1: plain HTTP, one region, one owner. What it does it does as
 * S3, down to refusals; what it does not do it answers with 501 and touches nothing (operation-table.ts is the list).
 * It is no store for production: no fsync, no versions, no policies of buckets.
 */
export async function startLocalS3(options: LocalS3Options): Promise<LocalS3> {
  const store = await FolderStore.open(options.folder, options.clock ?? systemClock);
  for (const bucket of options.buckets ?? []) if (!store.hasBucket(bucket)) await store.createBucket(bucket);
  const running = new RunningS3(options, store);
  await running.listen(options.port ?? 0);
  return running;
}

/** What a request is, before anybody is asked whether it may. */
interface Begun {
  readonly address: Address | S3Error;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly record: RequestRecord;
  readonly fault: Fault | undefined;
}

class RunningS3 implements LocalS3 {
  readonly log: RequestRecord[] = [];
  readonly #options: LocalS3Options;
  readonly #context: OperationContext;
  readonly #server: LoopbackServer;
  readonly #hostId = Buffer.from(systemRandom.hex(24)).toString('base64');
  #port = 0;
  #requests = 0;
  #faults: FaultScript | undefined;

  constructor(options: LocalS3Options, store: FolderStore) {
    this.#options = options;
    this.#context = {
      store,
      uploads: new Uploads(),
      clock: options.clock ?? systemClock,
      region: options.region ?? DEFAULT_REGION,
      accountId: options.accountId ?? DEFAULT_ACCOUNT,
    };
    this.#faults = options.faults;
    this.#server = loopbackServer((request, response) => this.#serve(request, response), {
      keepAliveTimeout: 60_000,
      requestTimeout: 0,
      // Proxies and fronts stand before it in tests, and its signatures cover the name.
      anyHost: true,
    });
  }

  async listen(port: number): Promise<void> {
    this.#port = await this.#server.listen(port);
  }

  get port(): number {
    return this.#port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  objects(bucket: string): readonly StoredObject[] {
    return this.#context.store.list(bucket);
  }

  path(bucket: string, key: string): string {
    const { store } = this.#context;
    const object = store.get(bucket, key);
    if (object === undefined) throw new Error(`No object ${key} in ${bucket}`);
    return store.path(bucket, object);
  }

  setFaults(script: FaultScript | undefined): void {
    this.#faults = script;
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: HttpRequest, response: HttpResponse): Promise<void> {
    const begun = this.#begin(request);
    const { record, fault } = begun;
    const { clock } = this.#context;
    const requestId = systemRandom.hex(8).toUpperCase();
    const exchange = { request, response, requestId, hostId: this.#hostId, clock, fault };
    try {
      const answer = await this.#answer(request, begun);
      if (answer === undefined) return;
      record.status = answer.status;
      await respond(exchange, answer);
    } catch (error) {
      if (error instanceof ConnectionDropped || response.headersSent) {
        request.socket.resetAndDestroy();
        return;
      }
      await this.#sendError(error, exchange, record);
    }
  }

  #begin(request: HttpRequest): Begun {
    const target = request.url ?? '/';
    const query = new URLSearchParams(target.split('?').slice(1).join('?'));
    const headers = { ...headersOfQuery(query), ...headersOf(request) };
    const address = attempt(() => addressOf(headers['host'] ?? '', target));
    const { bucket, key } = address instanceof S3Error ? { bucket: '', key: '' } : address;
    const seen = withoutSecrets(headers);
    const index = this.#requests++;
    const method = request.method ?? '';
    const fault = this.#faults?.({ index, method, bucket, key, headers: seen });
    const record: RequestRecord = {
      index,
      atMs: this.#context.clock.wallMs(),
      method,
      operation: undefined,
      bucket,
      key,
      headers: seen,
      fault: fault?.kind,
      status: 0,
      errorCode: undefined,
    };
    remember(this.log, record);
    return { address, query, headers, record, fault };
  }

  /** Carries the request out; undefined where a fault wants no answer. Throws S3Error or ConnectionDropped. */
  async #answer(request: HttpRequest, begun: Begun): Promise<S3Answer | undefined> {
    const { fault, record } = begun;
    switch (fault?.kind) {
      case 'reset':
        throw new ConnectionDropped('Scripted: reset');
      case 'hang':
        request.resume();
        return undefined;
      case 'status':
        record.errorCode = fault.code;
        return statusAnswer(fault);
      case 'delay':
        await this.#context.clock.sleep(fault.delayMs);
        break;
      default:
        break;
    }
    const call = this.#admit(request, begun);
    const answer = await handlers[call.operation](call, this.#context);
    if (fault?.kind !== 'store-then-drop') return answer;
    if (typeof answer.body === 'object') await answer.body.file.close();
    throw new ConnectionDropped('Scripted: the answer is lost');
  }

  /** Every check that does not depend on what is stored. Throws S3Error. */
  #admit(request: HttpRequest, { address, query, headers, record, fault }: Begun): S3Call {
    if (address instanceof S3Error) throw address;
    const { region, accountId, clock } = this.#context;
    const method = request.method ?? '';
    const { accessKeyId, chunkSignatures } = authenticate(
      { method, target: request.url ?? '/', headers: headersOf(request) },
      query,
      { region, nowMs: clock.wallMs(), find: (id) => this.#find(id) },
    );
    const operation = operationOf({ method, ...address, query, headers });
    Object.assign(record, { operation });
    checkHeaders(operation, headers, accountId);
    const row: S3Operation = OPERATIONS[operation];
    if (row.target !== 'service' && !this.#isKnownName(address.bucket))
      throw s3Errors.invalidBucketName(address.bucket);
    checkKey(address.key);
    const version = query.get('versionId') ?? 'null';
    if (version !== 'null') throw s3Errors.invalidArgument('Invalid version id specified');
    const refusal = this.#options.refusal;
    const refused = refusal?.(accessKeyId, needsOf(operation, { ...address, query, headers }, this.#context));
    if (refused !== undefined) throw s3Errors.accessDenied(refused);
    return {
      request,
      operation,
      ...address,
      query,
      headers,
      fault,
      chunkSignatures,
      refusal: (action, bucket, key) =>
        refusal?.(accessKeyId, [{ action, resource: s3Arn(this.#context, bucket, key) }]),
    };
  }

  #isKnownName(bucket: string): boolean {
    // A folder of a former version may hold buckets that S3 would not make.
    return this.#context.store.hasBucket(bucket) || isBucketName(bucket);
  }

  #find(accessKeyId: string): S3Credentials | undefined {
    const { credentials } = this.#options;
    if (typeof credentials === 'function') return credentials(accessKeyId);
    return credentials.find((one) => one.accessKeyId === accessKeyId);
  }

  async #sendError(thrown: unknown, exchange: Exchange, record: RequestRecord): Promise<void> {
    const error = thrown instanceof S3Error ? thrown : new S3Error(500, 'InternalError', messageOf(thrown));
    record.status = error.status;
    record.errorCode = error.code;
    const body = errorDocument({
      Code: error.code,
      Message: error.message,
      ...error.more.elements,
      Resource: `/${[record.bucket, record.key].filter((name) => name !== '').join('/')}`,
      RequestId: exchange.requestId,
      HostId: exchange.hostId,
    });
    const headers = { 'content-type': 'application/xml', 'x-amz-bucket-region': this.#context.region };
    const answer = { status: error.status, headers: { ...headers, ...error.more.headers }, body };
    await respond({ ...exchange, fault: undefined }, answer).catch(() => exchange.request.socket.destroy());
  }
}

function attempt(read: () => Address): Address | S3Error {
  try {
    return read();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}

function statusAnswer(fault: Fault & { kind: 'status' }): S3Answer {
  const headers: Record<string, string> = { 'content-type': 'application/xml' };
  if (fault.retryAfterSeconds !== undefined) headers['retry-after'] = String(fault.retryAfterSeconds);
  const body = errorDocument({ Code: fault.code, Message: 'Scripted by a test' });
  return { status: fault.status, headers, body };
}
