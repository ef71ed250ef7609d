import { md5, sha256Base64 } from '../system/mod.js';
import { HeadObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { EdgeError, type Clock } from '../core/mod.js';
import { CachedCredentials, type CredentialsSource } from './credentials.js';
import { failureOf, type ErrorFacts, type Failure } from './failure.js';
import type { ObjectStore, PutOutcome, PutRequest } from './object-store.js';

export interface S3StoreOptions {
  readonly bucket: string;
  readonly region: string;
  readonly credentials: CredentialsSource;
  readonly clock: Clock;
  /** For stores other than AWS's. */
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  /** Server-side encryption with this KMS key; empty: the bucket's own default. */
  readonly kmsKeyId?: string;
  /** `WHEN_REQUIRED` for stores that know no x-amz-checksum headers: Content-MD5 is sent instead of SHA-256. */
  readonly requestChecksumCalculation?: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED';
}

/** What a store says of the bytes under a key. */
interface Reported {
  readonly sizeBytes?: number | undefined;
  readonly sha256?: string | undefined;
  readonly etag?: string | undefined;
  readonly encryption?: string | undefined;
}

/**
 * S3, with PutObject as the one permission that is needed.
 *
 * Each put carries `If-None-Match: *` and the SHA-256 of its bytes. 412 means that an object lies there
 * already, as a rule because an earlier answer was lost: its checksum is compared (HeadObject). Where it
 * differs, or may not be read, the object is put once more without the condition: the key belongs to these
 * bytes, so this makes no second object, and the answer's checksum confirms it.
 * The SDK's retries are off; bodies are Buffers, since streams go out as aws-chunked, which some stores damage.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #options: S3StoreOptions;
  readonly #credentials: CachedCredentials;
  #client: S3Client;
  #lastKeyId = '';

  constructor(options: S3StoreOptions) {
    this.#options = options;
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
    const first = await this.#tryPut(request, true, signal);
    if (first.outcome !== 'failed' || first.failure.code !== 'PreconditionFailed') return first;
    const found = await this.#inspect(request, signal);
    return found === 'other' ? await this.#tryPut(request, false, signal) : found;
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

  async #tryPut(request: PutRequest, conditional: boolean, signal: AbortSignal): Promise<PutOutcome> {
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
    try {
      const answer = await this.#client.send(command, { abortSignal: signal });
      const reported = {
        sha256: answer.ChecksumSHA256,
        etag: answer.ETag,
        encryption: answer.ServerSideEncryption,
      };
      return matches(request, reported) === false
        ? failed({ code: 'ChecksumMismatch' })
        : { outcome: 'stored' };
    } catch (thrown) {
      return { outcome: 'failed', failure: this.#failure(thrown) };
    }
  }

  /** Whether what lies under the key is this object; `other` where it is not, or cannot be told. */
  async #inspect(request: PutRequest, signal: AbortSignal): Promise<PutOutcome | 'other'> {
    const command = new HeadObjectCommand({
      Bucket: this.#options.bucket,
      Key: request.key,
      ChecksumMode: 'ENABLED',
    });
    try {
      const found = await this.#client.send(command, { abortSignal: signal });
      const reported = {
        sizeBytes: found.ContentLength,
        sha256: found.ChecksumSHA256,
        etag: found.ETag,
        encryption: found.ServerSideEncryption,
      };
      return matches(request, reported) === true ? { outcome: 'exists' } : 'other';
    } catch (thrown) {
      const failure = this.#failure(thrown);
      // A device may have the right to put and no right to read.
      return failure.class === 'permission' ? 'other' : { outcome: 'failed', failure };
    }
  }

  #failure(thrown: unknown): Failure {
    const facts = factsOf(thrown);
    const failure = failureOf(facts);
    if (failure.class === 'credentials' && facts.status !== undefined)
      this.#credentials.invalidate(this.#lastKeyId);
    return failure;
  }

  #makeClient(): S3Client {
    const { endpoint, forcePathStyle, region, requestChecksumCalculation } = this.#options;
    // `memoized` tells the SDK to keep no copy of its own: it would outlive a forced refresh.
    const provider = Object.assign(async () => await this.#signingKeys(), { memoized: true });
    const config: S3ClientConfig = {
      region,
      credentials: provider,
      maxAttempts: 1,
      requestChecksumCalculation: requestChecksumCalculation ?? 'WHEN_SUPPORTED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
    };
    return new S3Client(config);
  }

  async #signingKeys(): Promise<ReturnType<CachedCredentials['get']>> {
    const credentials = await this.#credentials.get();
    this.#lastKeyId = credentials.accessKeyId;
    return credentials;
  }
}

function failed(facts: ErrorFacts): PutOutcome {
  return { outcome: 'failed', failure: failureOf(facts) };
}

/** True or false where the store's words decide; undefined where they say nothing of the content. */
function matches(request: PutRequest, reported: Reported): boolean | undefined {
  if (reported.sizeBytes !== undefined && reported.sizeBytes !== request.bytes.byteLength) return false;
  if (reported.sha256 !== undefined) return reported.sha256 === request.sha256;
  const etag = reported.etag?.replaceAll('"', '') ?? '';
  // Under KMS, and for multipart uploads, the ETag is no MD5.
  if (!/^[0-9a-f]{32}$/.test(etag) || reported.encryption?.startsWith('aws:kms') === true) return undefined;
  return etag === md5(request.bytes).toString('hex');
}

/** Plain facts of whatever the SDK threw; its own sentences may quote headers, so they are left out. */
function factsOf(thrown: unknown): ErrorFacts {
  if (thrown instanceof EdgeError)
    return {
      code: 'CredentialsUnavailable',
      retryAfter: String(Math.ceil((thrown.retryAfterMs ?? 0) / 1000)),
    };
  const error = thrown as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly statusCode?: number; readonly headers?: Record<string, string> };
  };
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  const name = typeof error.code === 'string' && status === undefined ? error.code : error.name;
  const headers = error.$response?.headers ?? {};
  const retryAfter = headers['retry-after'];
  const date = headers['date'];
  return {
    code: typeof name === 'string' && /^[\w.]{1,64}$/.test(name) ? name : 'Unknown',
    ...(status === undefined ? {} : { status }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(date === undefined ? {} : { date }),
  };
}
