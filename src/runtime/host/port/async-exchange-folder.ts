import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRegion } from '../../../contract/mod.js';
import { OPEN_FLAGS } from './exchange-files.js';
import {
  becameShorter,
  checkFile,
  checkName,
  checkRoom,
  checkUnchanged,
  notOpened,
  notWritten,
  type FileInfo,
} from './exchange-region.js';

/** What one call of the thread pool brings: a slow file holds up one of its threads for so long. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Reads and writes regions as ExchangeFolder does and by the same rules, for a process that has other things to do: each
 * look at the file leaves the event loop free.
 */
export class AsyncExchangeFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws EdgeError INVALID_ARGUMENT naming `field` and the reason */
  async read(region: FileRegion, field: string): Promise<Uint8Array> {
    return await this.#withFile(region, field, constants.O_RDONLY, async (file, info) => {
      const bytes = await readRegion(file, region, field);
      checkUnchanged(info, await file.stat(), region.name, field);
      return bytes;
    });
  }

  /**
   * Writes bytes to the begin of a region that holds them.
   * @returns where they lie
   * @throws EdgeError INVALID_ARGUMENT naming `field` and the reason, RESOURCE_EXHAUSTED (EXCHANGE_FULL)
   */
  async write(region: FileRegion, bytes: Uint8Array, field: string): Promise<FileRegion> {
    checkRoom(region, bytes.byteLength, field);
    return await this.#withFile(region, field, constants.O_WRONLY, async (file) => {
      try {
        await writeRegion(file, region, bytes);
      } catch (error) {
        throw notWritten(error, field);
      }
      return { ...region, byteSize: bytes.byteLength };
    });
  }

  async #withFile<T>(
    region: FileRegion,
    field: string,
    access: number,
    use: (file: FileHandle, info: FileInfo) => Promise<T>,
  ): Promise<T> {
    checkName(region, field);
    const file = await this.#open(region.name, access, field);
    try {
      const info = await file.stat();
      checkFile(info, region, field);
      return await use(file, info);
    } finally {
      await file.close();
    }
  }

  async #open(name: string, access: number, field: string): Promise<FileHandle> {
    try {
      return await open(join(this.#folder, name), access | OPEN_FLAGS);
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

async function writeRegion(file: FileHandle, { offset }: FileRegion, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const pieceBytes = Math.min(PIECE_BYTES, bytes.byteLength - done);
    done += (await file.write(bytes, done, pieceBytes, offset + done)).bytesWritten;
  }
}
