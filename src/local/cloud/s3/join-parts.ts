import { startDigest } from '../../../system/mod.js';
import { startChecksum } from './checksums.js';
import { OpenFile } from './disk-files.js';
import { writeSummed } from './summed-copy.js';
import type { MultipartUpload, UploadedPart } from './uploads.js';

/** What the parts became. */
export interface JoinedParts {
  readonly sizeBytes: number;
  /** MD5 of the parts' MD5s, and their number. */
  readonly etag: string;
  /** Base64; of a composite one with the number of parts behind it. */
  readonly checksum: string;
}

/** Writes the parts one behind the other into a file. */
export async function joinParts(
  { algorithm, type }: MultipartUpload,
  parts: readonly UploadedPart[],
  file: string,
): Promise<JoinedParts> {
  const md5 = startDigest('md5');
  for (const { etag } of parts) md5.update(Buffer.from(etag, 'hex'));
  const { sizeBytes, checksums } = await writeSummed(file, piecesOf(parts), [algorithm]);
  const checksum = type === 'COMPOSITE' ? undefined : checksums[algorithm];
  return {
    sizeBytes,
    etag: `${md5.digest('hex')}-${parts.length}`,
    checksum: checksum ?? compositeOf(parts, algorithm),
  };
}

async function* piecesOf(parts: readonly UploadedPart[]): AsyncGenerator<Buffer> {
  for (const { file, sizeBytes } of parts) {
    await using open = await OpenFile.open(file);
    yield* open.pieces(0, sizeBytes);
  }
}

/** A checksum over the parts' checksums. */
function compositeOf(parts: readonly UploadedPart[], algorithm: MultipartUpload['algorithm']): string {
  const sum = startChecksum(algorithm);
  for (const { checksums } of parts) sum.update(Buffer.from(checksums[algorithm] ?? '', 'base64'));
  return `${sum.digest()}-${parts.length}`;
}
