import { createWriteStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

export interface ArtifactFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isExecutable?: boolean;
}

/** Writes the files, sorted by name, with fixed time and mode. */
export async function writeZip(path: string, files: readonly ArtifactFile[]): Promise<void> {
  await pipeline(zipStream(files), createWriteStream(path));
}

/** The same in memory. */
export async function zipBytes(files: readonly ArtifactFile[]): Promise<Uint8Array> {
  return await buffer(zipStream(files));
}

function zipStream(files: readonly ArtifactFile[]): NodeJS.ReadableStream {
  const zip = new ZipFile();
  // In local time, as a zip's times are: equal content gives equal bytes in every time zone.
  const mtime = new Date(2000, 0, 1);
  for (const file of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    zip.addBuffer(Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength), file.name, {
      mtime,
      mode: file.isExecutable === true ? 0o100755 : 0o100644,
      // The other form of a zip's times would follow the build machine's time zone.
      forceDosTimestamp: true,
      compress: true,
      compressionLevel: 6,
    });
  }
  zip.end();
  return zip.outputStream;
}
