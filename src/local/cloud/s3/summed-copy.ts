import { CHECKSUM_ALGORITHMS, startChecksum, type ChecksumAlgorithm, type Checksums } from './checksums.js';
import { writePieces, type Sum } from './disk-files.js';

/** A file that was written, with what was summed as its bytes passed. */
export interface SummedFile {
  readonly sizeBytes: number;
  readonly md5Hex: string;
  /** Base64 by algorithm. */
  readonly checksums: Checksums;
}

/** Writes pieces to a file and takes their MD5 and checksums. */
export async function writeSummed(
  file: string,
  pieces: AsyncIterable<Uint8Array>,
  algorithms: readonly ChecksumAlgorithm[],
  others: readonly Sum[] = [],
): Promise<SummedFile> {
  const md5 = startChecksum('md5');
  const running = CHECKSUM_ALGORITHMS.filter((name) => algorithms.includes(name)).map(
    (name) => [name, startChecksum(name)] as const,
  );
  const sizeBytes = await writePieces(file, pieces, [md5, ...running.map(([, sum]) => sum), ...others]);
  return {
    sizeBytes,
    md5Hex: Buffer.from(md5.digest(), 'base64').toString('hex'),
    checksums: Object.fromEntries(running.map(([name, sum]) => [name, sum.digest()])),
  };
}
