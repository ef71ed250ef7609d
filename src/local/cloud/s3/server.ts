import { createReadStream } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { loopbackServer, type HttpRequest, type HttpResponse, type LoopbackServer } from '../../http/mod.js';
import { messageOf, type Clock } from '../../../core/mod.js';
import { systemClock } from '../../../system/mod.js';
import type { Need } from '../iam/mod.js';
import { ConnectionDropped } from './body.js';
import type { S3Answer, S3Call } from './call.js';
import { S3Error, s3Errors } from './errors.js';
import type { Fault, FaultScript } from './faults.js';
import { needsOf, needsToMiss, type S3Place } from './needs.js';
import { handlers, operationOf, type Operation } from './operations.js';
import { verifySignature, type S3Credentials } from './sigv4.js';
import { FolderStore, type StoredObject } from './store.js';
import { Uploads } from './uploads.js';
import { errorXml } from './xml.js';

export interface LocalS3Options {
  /** Where buckets are kept; made if absent. A server started again on it finds its objects. */
  readonly folder: string;
  /** The keys that may sign requests. A function is asked at each request, so that keys can come and go. */
  readonly credentials: readonly S3Credentials[] | ((accessKeyId: string) => S3Credentials | undefined);
  /** Why a key may not do what it asks, in AWS's words; undefined where it may. Default: each key may do everything. */
  readonly refusal?: (accessKeyId: string, needs: readonly Need[]) => string | undefined;
  /** Of the keys that objects are encrypted with. */
  readonly accountId?: string;
  /** Default: any free port. */
  readonly port?: number;
  /** What GetBucketLocation answers. Default us-east-1. Signatures of any region are accepted. */
  readonly region?: string;
  /** Made at start where absent. */
  readonly buckets?: readonly string[];
  readonly faults?: FaultScript;
  readonly clock?: Clock;
}

/** One request as the server saw it: the ground truth of upload tests. */
export interface RequestRecord {
  readonly index: number;
  readonly atMs: number;
  readonly method: string;
  readonly operation: Operation | undefined;
  readonly bucket: string;
  readonly key: string;
  /** Without Authorization and the session token. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fault: Fault['kind'] | undefined;
  /** 0 until answered, and for ever where no answer was sent. */
  status: number;
  errorCode: string | undefined;
}

export interface LocalS3 extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; use path-style addressing. */
  readonly endpoint: string;
  readonly port: number;
  /** All requests so far, oldest first; grows while the server runs. */
  readonly log: readonly RequestRecord[];
  /** All objects of a bucket, sorted by key. */
  objects(bucket: string): readonly StoredObject[];
  /** The absolute path of an object's bytes. Throws where it does not exist. */
  path(bucket: string, key: string): string;
  /** Replaces the fault script; undefined ends all faults for requests to come. */
  setFaults(script: FaultScript | undefined): void;
  close(): Promise<void>;
}

const SECRET_HEADERS = ['authorization', 'x-amz-security-token'];

/**
 * Starts an S3 for development and tests on 127.0.0.1: path-style, plain HTTP, one owner. It checks SigV4
 * signatures, checksums and conditional writes as S3 does. It is no store for production: no fsync, no
 * versions, no access control beyond the keys.
 */
export async function startLocalS3(options: LocalS3Options): Promise<LocalS3> {
  const store = await FolderStore.open(options.folder);
  for (const bucket of options.buckets ?? []) if (!store.hasBucket(bucket)) await store.createBucket(bucket);
  const running = new RunningS3(options, store);
  await running.listen(options.port ?? 0);
  return running;
}

class RunningS3 implements LocalS3 {
  readonly log: RequestRecord[] = [];
  readonly #options: LocalS3Options;
  readonly #store: FolderStore;
  readonly #uploads = new Uploads();
  readonly #clock: Clock;
  readonly #server: LoopbackServer;
  #port = 0;
  #faults: FaultScript | undefined;

  constructor(options: LocalS3Options, store: FolderStore) {
    this.#options = options;
    this.#store = store;
    this.#clock = options.clock ?? systemClock;
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
    return this.#store.list(bucket);
  }

  path(bucket: string, key: string): string {
    const object = this.#store.get(bucket, key);
    if (object === undefined) throw new Error(`No object ${key} in ${bucket}`);
    return this.#store.path(bucket, object);
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
    const { call, record } = this.#begin(request);
    try {
      const answer = await this.#answer(call, record);
      if (answer === undefined) return;
      record.status = answer.status;
      await send(request, response, answer, call.fault, this.#clock);
    } catch (error) {
      if (error instanceof ConnectionDropped || response.headersSent) {
        request.socket.resetAndDestroy();
        return;
      }
      await this.#sendError(error, request, response, record);
    }
  }

  #begin(request: HttpRequest): { call: S3Call; record: RequestRecord } {
    // Not by URL: it would resolve `.` and `..`, which are part of a key.
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const [, bucket = '', ...rest] = path.split('/').map(decode);
    const key = rest.join('/');
    const headers = flatHeaders(request);
    const seen = Object.fromEntries(
      Object.entries(headers).filter(([name]) => !SECRET_HEADERS.includes(name)),
    );
    const index = this.log.length;
    const method = request.method ?? '';
    const fault = this.#faults?.({ index, method, bucket, key, headers: seen });
    const record: RequestRecord = {
      index,
      atMs: this.#clock.wallMs(),
      method,
      operation: undefined,
      bucket,
      key,
      headers: seen,
      fault: fault?.kind,
      status: 0,
      errorCode: undefined,
    };
    this.log.push(record);
    return { call: { request, bucket, key, query: new URLSearchParams(query), fault }, record };
  }

  /** Carries the request out; undefined where a fault wants no answer. Throws S3Error or ConnectionDropped. */
  async #answer(call: S3Call, record: RequestRecord): Promise<S3Answer | undefined> {
    const { request, fault } = call;
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
        await this.#clock.sleep(fault.delayMs);
        break;
      default:
        break;
    }
    const caller = verifySignature(
      { method: request.method ?? '', target: request.url ?? '/', headers: flatHeaders(request) },
      { service: 's3', nowMs: this.#clock.wallMs(), find: (id) => this.#find(id) },
    );
    const operation = operationOf(request.method ?? '', call.bucket, call.key, call.query);
    Object.assign(record, { operation });
    this.#admit(caller, needsOf(operation, call, this.#place));
    const answer = await this.#handle(operation, call, caller);
    if (fault?.kind === 'store-then-drop') throw new ConnectionDropped('Scripted: the answer is lost');
    return answer;
  }

  async #handle(operation: Operation, call: S3Call, caller: string): Promise<S3Answer> {
    try {
      return await handlers[operation](call, {
        store: this.#store,
        uploads: this.#uploads,
        clock: this.#clock,
        region: this.#place.region,
      });
    } catch (error) {
      if (error instanceof S3Error && error.code === 'NoSuchKey')
        this.#admit(caller, needsToMiss(call, this.#place));
      throw error;
    }
  }

  get #place(): S3Place {
    const { region = 'us-east-1', accountId = '123456789012' } = this.#options;
    return { region, accountId };
  }

  #admit(caller: string, needs: readonly Need[]): void {
    const refusal = this.#options.refusal?.(caller, needs);
    if (refusal !== undefined) throw s3Errors.accessDenied(refusal);
  }

  #find(accessKeyId: string): S3Credentials | undefined {
    const { credentials } = this.#options;
    if (typeof credentials === 'function') return credentials(accessKeyId);
    return credentials.find((one) => one.accessKeyId === accessKeyId);
  }

  async #sendError(
    thrown: unknown,
    request: HttpRequest,
    response: HttpResponse,
    record: RequestRecord,
  ): Promise<void> {
    const error = thrown instanceof S3Error ? thrown : new S3Error(500, 'InternalError', messageOf(thrown));
    record.status = error.status;
    record.errorCode = error.code;
    const body = errorXml(error.code, error.message, `/${record.bucket}/${record.key}`, String(record.index));
    const answer = { status: error.status, headers: { 'content-type': 'application/xml' }, body };
    await send(request, response, answer, undefined, this.#clock).catch(() => request.socket.destroy());
  }
}

function statusAnswer(fault: Fault & { kind: 'status' }): S3Answer {
  const headers: Record<string, string> = { 'content-type': 'application/xml' };
  if (fault.retryAfterSeconds !== undefined) headers['retry-after'] = String(fault.retryAfterSeconds);
  const body = errorXml(fault.code, 'Scripted by a test', '/', '0');
  return { status: fault.status, headers, body };
}

async function send(
  request: HttpRequest,
  response: HttpResponse,
  answer: S3Answer,
  fault: Fault | undefined,
  clock: Clock,
): Promise<void> {
  // What is left of the body is read first: a client that still writes would see a reset, not the answer.
  request.resume();
  if (!request.complete) await new Promise((resolve) => request.once('close', resolve).once('end', resolve));
  const { body } = answer;
  const headers: Record<string, string> = {
    ...answer.headers,
    'x-amz-request-id': String(Math.trunc(clock.wallMs())),
  };
  if (typeof body === 'string') headers['content-length'] = String(Buffer.byteLength(body));
  else if (body === undefined && request.method !== 'HEAD' && answer.status !== 204)
    headers['content-length'] = '0';
  response.writeHead(answer.status, headers);
  if (request.method === 'HEAD' || body === undefined) {
    response.end();
    return;
  }
  if (typeof body === 'string') {
    response.end(body);
    return;
  }
  await sendFile(response, body, fault, clock);
}

async function sendFile(
  response: HttpResponse,
  body: { readonly file: string; readonly start: number; readonly endExclusive: number },
  fault: Fault | undefined,
  clock: Clock,
): Promise<void> {
  const length = body.endExclusive - body.start;
  const sent = fault?.kind === 'half-body' ? Math.floor(length / 2) : length;
  if (sent > 0) {
    const stream = createReadStream(body.file, { start: body.start, end: body.start + sent - 1 });
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (fault?.kind === 'slow') await clock.sleep((piece.length / fault.bytesPerSecond) * 1000);
      if (!response.write(piece)) await drained(response);
      if (response.destroyed) return;
    }
  }
  if (sent < length) {
    // The half must have left before the connection does.
    await setImmediate();
    throw new ConnectionDropped('Scripted: half a body');
  }
  response.end();
}

/** Until the response takes more, or its client has left. */
async function drained(response: HttpResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      response.off('drain', end).off('close', end);
      resolve();
    };
    response.on('drain', end).on('close', end);
  });
}

function flatHeaders(request: HttpRequest): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return flat;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
