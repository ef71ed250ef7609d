import { hmacSha256, sameSecret, sha256Hex, startDigest, type RunningDigest } from '../../../system/mod.js';
import { s3Errors } from './errors.js';

export interface SigningScope {
  /** As x-amz-date has it. */
  readonly date: string;
  /** `<day>/<region>/s3/aws4_request` */
  readonly scope: string;
  readonly key: Uint8Array;
  /** Of the request's headers, hex. */
  readonly seed: string;
}

const OF_NOTHING = sha256Hex('');

/**
 * The signatures of a body that is sent as STREAMING-AWS4-HMAC-SHA256-PAYLOAD: each chunk's covers that of the chunk
 * before, the first one's that of the headers, and the trailers have one, too.
 */
export class ChunkSignatures {
  readonly #signing: SigningScope;
  #previous: string;
  #digest: RunningDigest = startDigest('sha256');

  constructor(signing: SigningScope) {
    this.#signing = signing;
    this.#previous = signing.seed;
  }

  update(bytes: Uint8Array): void {
    this.#digest.update(bytes);
  }

  /** Ends a chunk. Throws SignatureDoesNotMatch. */
  endChunk(signature: string): void {
    this.#compare('AWS4-HMAC-SHA256-PAYLOAD', [OF_NOTHING, this.#digest.digest('hex')], signature);
    this.#digest = startDigest('sha256');
  }

  /** @param lines the trailers, `name:value\n` each. Throws SignatureDoesNotMatch. */
  endTrailers(lines: string, signature: string): void {
    this.#compare('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(lines)], signature);
  }

  #compare(kind: string, digests: readonly string[], signature: string): void {
    const { date, scope, key } = this.#signing;
    const wanted = hmacSha256(key, [kind, date, scope, this.#previous, ...digests].join('\n')).toString(
      'hex',
    );
    if (signature.length !== wanted.length || !sameSecret(wanted, signature))
      throw s3Errors.signatureMismatch();
    this.#previous = wanted;
  }
}
