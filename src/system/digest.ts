import { createHash } from 'node:crypto';

/** Also continues a checksum: `start` is that of the bytes before. */
export { crc32 } from 'node:zlib';

/** SHA-256 over the parts as if they were one, lower-case hex. */
export function sha256Hex(...parts: readonly (Uint8Array | string)[]): string {
  return hashOf(parts).digest('hex');
}

/** SHA-256 over the parts as if they were one. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return hashOf(parts).digest();
}

function hashOf(parts: readonly (Uint8Array | string)[]): ReturnType<typeof createHash> {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash;
}
