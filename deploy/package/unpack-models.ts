import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ArchiveGuard, EdgeError, messageOf } from '../../src/core/mod.js';
import { tarFiles } from './tar.js';

/** Writes the first .onnx file of a `.tar.gz`, and nothing else. @returns how many there are */
export async function unpackModels(bytes: Uint8Array, file: string, action: string): Promise<number> {
  const guard = new ArchiveGuard(action, bytes.length);
  let models = 0;
  try {
    for await (const { path, content } of tarFiles(gunzipped(bytes, guard), guard)) {
      if (path.endsWith('.onnx') && models++ === 0) await pipeline(content, createWriteStream(file));
    }
    return models;
  } catch (thrown) {
    if (thrown instanceof EdgeError) throw thrown;
    return guard.refuse(`its archive is damaged: ${messageOf(thrown)}`, thrown);
  }
}

async function* gunzipped(bytes: Uint8Array, guard: ArchiveGuard): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  gunzip.end(bytes);
  for await (const piece of gunzip as AsyncIterable<Buffer>) {
    guard.unpacked(piece.length);
    yield piece;
  }
}
