import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

export interface ArtifactFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The earliest time that a zip can hold; one time for all, so that equal content gives equal bytes. */
const FIXED_TIME = new Date(1980, 0, 1, 0, 0, 0);

/** Writes the files, sorted by name, with fixed time and mode. */
export async function writeZip(path: string, files: readonly ArtifactFile[]): Promise<void> {
  const zip = new ZipFile();
  for (const file of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    zip.addBuffer(Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength), file.name, {
      mtime: FIXED_TIME,
      mode: 0o100644,
      compress: true,
      compressionLevel: 9,
    });
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}
