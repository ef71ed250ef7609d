import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto';

/** Also continues a checksum: `start` is that of the bytes before. */
export { crc32 } from 'node:zlib';

type Part = Uint8Array | string;

/** SHA-256 over the parts as if they were one, lower-case hex. */
export function sha256Hex(...parts: readonly Part[]): string {
  return hashOf('sha256', parts).digest('hex');
}

/** SHA-256 over the parts as if they were one, base64 as S3's headers have it. */
export function sha256Base64(...parts: readonly Part[]): string {
  return hashOf('sha256', parts).digest('base64');
}

/** SHA-256 over the parts as if they were one. */
export function sha256(...parts: readonly Part[]): Uint8Array {
  const [only] = parts;
  // At once is twice as fast, which planning a fleet of millions feels.
  if (parts.length === 1 && only !== undefined) return hash('sha256', only, 'buffer');
  return hashOf('sha256', parts).digest();
}

/** SHA-256 over parts that come one after the other. */
export class Sha256 {
  readonly #hash = createHash('sha256');

  update(part: Part): this {
    this.#hash.update(part);
    return this;
  }

  digest(): Uint8Array {
    return this.#hash.digest();
  }
}

/** MD5, which S3's ETags are made of. */
export function md5(...parts: readonly Part[]): Buffer {
  return hashOf('md5', parts).digest();
}

export function hmacSha256(key: Part, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Takes the same time for all texts of one length, so that a caller learns nothing of a secret by trying. */
export function sameSecret(wanted: string, given: string): boolean {
  return timingSafeEqual(Buffer.from(wanted), Buffer.from(given));
}

/** A digest taken over a stream. */
export interface RunningDigest {
  update(bytes: Uint8Array): unknown;
  digest(encoding: 'base64' | 'hex'): string;
}

export function startDigest(algorithm: 'md5' | 'sha1' | 'sha256'): RunningDigest {
  return createHash(algorithm);
}

function hashOf(algorithm: string, parts: readonly Part[]): ReturnType<typeof createHash> {
  const running = createHash(algorithm);
  for (const part of parts) running.update(part);
  return running;
}
