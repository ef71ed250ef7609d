import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRegion } from '../../../contract/mod.js';
import { OPEN_FLAGS } from './exchange-files.js';
import { becameShorter, checkFile, checkName, checkUnchanged, notOpened } from './exchange-region.js';

/** What one call of the thread pool brings: a slow file holds up one of its threads for so long. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Reads regions as ExchangeFolder does and by the same rules, for a process that has other things to do: each look at
 * the file leaves the event loop free.
 */
export class ExchangeReader {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws EdgeError INVALID_ARGUMENT naming `field` and the reason */
  async read(region: FileRegion, field: string): Promise<Uint8Array> {
    checkName(region, field);
    const file = await this.#open(region.name, field);
    try {
      const info = await file.stat();
      checkFile(info, region, field);
      const bytes = await readRegion(file, region, field);
      checkUnchanged(info, await file.stat(), region.name, field);
      return bytes;
    } finally {
      await file.close();
    }
  }

  async #open(name: string, field: string): Promise<FileHandle> {
    try {
      return await open(join(this.#folder, name), constants.O_RDONLY | OPEN_FLAGS);
    } catch (error) {
      throw notOpened(error, field, name);
    }
  }
}

async function readRegion(file: FileHandle, region: FileRegion, field: string): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(region.byteSize);
  let done = 0;
  while (done < bytes.byteLength) {
    const pieceBytes = Math.min(PIECE_BYTES, bytes.byteLength - done);
    const { bytesRead } = await file.read(bytes, done, pieceBytes, region.offset + done);
    if (bytesRead === 0) throw becameShorter(field, region.name);
    done += bytesRead;
  }
  return bytes;
}
