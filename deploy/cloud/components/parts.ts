import { sha256, sha256Base64 } from '../../../src/system/mod.js';
import { readStretch } from '../../files/mod.js';
import type { ArtifactFile } from './artifacts.js';

interface Part {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** SHA-256, base64. */
  readonly checksum: string;
}

/** A file's parts, one in memory at a time. */
export async function* partsOf({ path, sizeBytes }: ArtifactFile, partBytes: number): AsyncGenerator<Part> {
  for (let number = 1; (number - 1) * partBytes < sizeBytes; number++) {
    const offset = (number - 1) * partBytes;
    const bytes = await readStretch(path, offset, Math.min(partBytes, sizeBytes - offset));
    yield { number, bytes, checksum: sha256Base64(bytes) };
  }
}

/** The SHA-256 that S3 gives an object which came in parts: of the parts' own, with their number behind it. */
export async function partsChecksum(file: ArtifactFile, partBytes: number): Promise<string> {
  const digests: Uint8Array[] = [];
  for await (const { bytes } of partsOf(file, partBytes)) digests.push(sha256(bytes));
  return `${sha256Base64(...digests)}-${digests.length}`;
}
