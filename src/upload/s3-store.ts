import { HeadObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../core/mod.js';
import { quietSdk, type EndpointChoice, type NetworkHandler } from '../net/mod.js';
import { md5, sha256Base64 } from '../system/mod.js';
import { CachedCredentials, type CredentialsSource } from './credentials.js';
import { failureOf, UNPROVEN, type ErrorFacts, type Failure } from './failure.js';
import type { ObjectStore, PutOutcome, PutRequest } from './object-store.js';
import { proofOf, type Reported } from './proof.js';
import { factsOf } from './s3-facts.js';
import { mayFollow } from './region.js';

export interface S3StoreOptions {
  readonly bucket: string;
  readonly region: string;
  readonly credentials: CredentialsSource;
  readonly clock: Clock;
  /** For stores other than AWS's. */
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  /** Which of AWS's endpoints. Default: the SDK's choice by the process's environment. */
  readonly endpoints?: EndpointChoice;
  /** Makes the way out of this machine, anew for each client. Default: straight, trusting Node's authorities. */
  readonly network?: () => NetworkHandler;
  /** Server-side encryption with this KMS key; empty: the bucket's own default. */
  readonly kmsKeyId?: string;
  /** `WHEN_REQUIRED` for stores that know no x-amz-checksum headers: Content-MD5 is sent instead of SHA-256. */
  readonly requestChecksumCalculation?: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED';
  /** The bucket lies in another region than the configured one, to which requests go from now on. */
  readonly onRegion?: (region: string) => void;
}

type Failed = Extract<PutOutcome, { readonly outcome: 'failed' }>;

/**
 * S3, with PutObject as the one permission that is needed.
 *
 * Each put carries `If-None-Match: *` and the SHA-256 of its bytes. 412 means that an object lies there
 * already, as a rule because an earlier answer was lost: its checksum is compared (HeadObject). Where it
 * differs, or may not be read, the object is put once more without the condition: the key belongs to these
 * bytes, so this makes no second object, and the answer's checksum confirms it.
 * A success counts as a delivery only where it proves that this object is there: a captive portal answers 200 to
 * everything. Where the answer proves nothing, HeadObject is asked, and where that does not either, the put has
 * failed on its way. Stores without conditions (501) get puts without: keys belong to their content.
 * The SDK's retries are off; bodies are Buffers, since streams go out as aws-chunked, which some stores damage.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #options: S3StoreOptions;
  readonly #credentials: CachedCredentials;
  #client: S3Client;
  #region: string;
  #hasConditions = true;
  #lastKeyId = '';

  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.#region = options.region;
    this.#credentials = new CachedCredentials(options.credentials, options.clock);
    this.#client = this.#makeClient();
  }

  async put(request: PutRequest, signal: AbortSignal): Promise<PutOutcome> {
    // Where the store is not told the SHA-256, nobody else compares it.
    if (
      this.#options.requestChecksumCalculation === 'WHEN_REQUIRED' &&
      sha256Base64(request.bytes) !== request.sha256
    )
      return failed({ status: 400, code: 'BadDigest' });
    const first = await this.#confirmedPut(request, this.#hasConditions, signal);
    if (first.outcome !== 'failed') return first;
    switch (first.failure.code) {
      case 'PreconditionFailed': {
        const found = await this.#inspect(request, signal);
        return found === 'other' ? await this.#confirmedPut(request, false, signal) : found;
      }
      case 'NotImplemented':
        if (!this.#hasConditions) return first;
        this.#hasConditions = false;
        return await this.#confirmedPut(request, false, signal);
      default:
        return this.#follows(first.failure)
          ? await this.#confirmedPut(request, this.#hasConditions, signal)
          : first;
    }
  }

  reset(): void {
    this.#client.destroy();
    this.#client = this.#makeClient();
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A put whose success is proven, by its own answer or by the store's word on what lies under the key. */
  async #confirmedPut(request: PutRequest, conditional: boolean, signal: AbortSignal): Promise<PutOutcome> {
    const answer = await this.#tryPut(request, conditional, signal);
    if (!('reported' in answer)) return answer;
    switch (proofOf(request, answer.reported)) {
      case 'this':
        return { outcome: 'stored' };
      case 'other':
        return failed({ code: 'ChecksumMismatch' });
      case 'none':
        return await this.#proven(request, answer.reported, signal);
    }
  }

  /** Asks what lies under the key, after a success that said nothing of it. */
  async #proven(request: PutRequest, answered: Reported, signal: AbortSignal): Promise<PutOutcome> {
    const found = await this.#head(request, signal);
    const unproven = failed({ code: UNPROVEN });
    // A device without the right to read is none the wiser.
    if (!('reported' in found)) return found.failure.class === 'transport' ? found : unproven;
    const { reported } = found;
    const proof = proofOf(request, reported);
    const sameObject =
      reported.etag !== undefined &&
      reported.etag === answered.etag &&
      reported.sizeBytes === request.bytes.byteLength;
    return proof === 'this' || (proof === 'none' && sameObject) ? { outcome: 'stored' } : unproven;
  }

  async #tryPut(
    request: PutRequest,
    conditional: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly reported: Reported } | Failed> {
    const { bytes } = request;
    const { kmsKeyId, requestChecksumCalculation } = this.#options;
    const command = new PutObjectCommand({
      Bucket: this.#options.bucket,
      Key: request.key,
      Body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      ContentLength: bytes.byteLength,
      ContentType: request.contentType,
      ...(request.contentEncoding === undefined ? {} : { ContentEncoding: request.contentEncoding }),
      ...(requestChecksumCalculation === 'WHEN_REQUIRED'
        ? { ContentMD5: md5(bytes).toString('base64') }
        : { ChecksumSHA256: request.sha256 }),
      ...(conditional ? { IfNoneMatch: '*' } : {}),
      ...(kmsKeyId === undefined ? {} : { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: kmsKeyId }),
    });
    nameBodyHash(command, request.sha256);
    try {
      const answer = await this.#client.send(command, { abortSignal: signal });
      return {
        reported: {
          sha256: answer.ChecksumSHA256,
          etag: answer.ETag,
          encryption: answer.ServerSideEncryption,
          checkedMd5: requestChecksumCalculation === 'WHEN_REQUIRED',
        },
      };
    } catch (thrown) {
      return { outcome: 'failed', failure: this.#failure(thrown) };
    }
  }

  /** Whether what lies under the key is this object; `other` where it is not, or cannot be told. */
  async #inspect(request: PutRequest, signal: AbortSignal): Promise<PutOutcome | 'other'> {
    const found = await this.#head(request, signal);
    if ('reported' in found)
      return proofOf(request, found.reported) === 'this' ? { outcome: 'exists' } : 'other';
    // A device may have the right to put and no right to read.
    return found.failure.class === 'permission' ? 'other' : found;
  }

  async #head(request: PutRequest, signal: AbortSignal): Promise<{ readonly reported: Reported } | Failed> {
    const command = new HeadObjectCommand({
      Bucket: this.#options.bucket,
      Key: request.key,
      ChecksumMode: 'ENABLED',
    });
    try {
      const found = await this.#client.send(command, { abortSignal: signal });
      return {
        reported: {
          sizeBytes: found.ContentLength,
          sha256: found.ChecksumSHA256,
          etag: found.ETag,
          encryption: found.ServerSideEncryption,
        },
      };
    } catch (thrown) {
      return { outcome: 'failed', failure: this.#failure(thrown) };
    }
  }

  /** Goes to the region where the answer says that the bucket lies, where that is safe. Once: the next answer decides. */
  #follows({ region }: Failure): boolean {
    if (region === undefined || !mayFollow(this.#region, region, this.#options.endpoint)) return false;
    this.#region = region;
    this.reset();
    this.#options.onRegion?.(region);
    return true;
  }

  #failure(thrown: unknown): Failure {
    const facts = factsOf(thrown);
    const failure = failureOf(facts);
    if (failure.class === 'credentials' && facts.status !== undefined)
      this.#credentials.invalidate(this.#lastKeyId);
    return failure;
  }

  #makeClient(): S3Client {
    const { endpoint, endpoints, network, forcePathStyle, requestChecksumCalculation } = this.#options;
    // `memoized` tells the SDK to keep no copy of its own: it would outlive a forced refresh.
    const provider = Object.assign(async () => await this.#signingKeys(), { memoized: true });
    const config: S3ClientConfig = {
      region: this.#region,
      credentials: provider,
      maxAttempts: 1,
      requestChecksumCalculation: requestChecksumCalculation ?? 'WHEN_SUPPORTED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...endpoints,
      ...(network === undefined ? {} : { requestHandler: network() }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
    };
    quietSdk();
    return new S3Client(config);
  }

  async #signingKeys(): Promise<ReturnType<CachedCredentials['get']>> {
    const credentials = await this.#credentials.get();
    this.#lastKeyId = credentials.accessKeyId;
    return credentials;
  }
}

/** What the signature needs is known: without this the SDK takes the SHA-256 of each body once more. */
function nameBodyHash(command: PutObjectCommand, sha256: string): void {
  const hex = Buffer.from(sha256, 'base64').toString('hex');
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { readonly headers: Record<string, string> };
      headers['x-amz-content-sha256'] = hex;
      return await next(args);
    },
    { step: 'build', name: 'nameBodyHash' },
  );
}

function failed(facts: ErrorFacts): Failed {
  return { outcome: 'failed', failure: failureOf(facts) };
}
