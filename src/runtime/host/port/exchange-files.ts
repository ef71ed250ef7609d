import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { FileRegion } from '../../../contract/mod.js';
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

/** O_NONBLOCK: a FIFO must not make us wait for its other end. */
export const OPEN_FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reads and writes regions of files in one caller's exchange folder. Synchronous, as the host's one thread has
 * nothing else to do meanwhile, and a call saves two hops through the thread pool.
 * The control process, which has other things to do, has AsyncExchangeFolder.
 */
export class ExchangeFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws EdgeError INVALID_ARGUMENT naming `field` and the reason */
  read(region: FileRegion, field: string): Uint8Array {
    return this.#withFile(region, field, constants.O_RDONLY, (file, info) => {
      const bytes = Buffer.allocUnsafeSlow(region.byteSize);
      let done = 0;
      while (done < bytes.byteLength) {
        const count = readSync(file, bytes, done, bytes.byteLength - done, region.offset + done);
        if (count === 0) throw becameShorter(field, region.name);
        done += count;
      }
      checkUnchanged(info, fstatSync(file), region.name, field);
      return bytes;
    });
  }

  /**
   * Writes the parts one behind the other into the region, and gives where each one lies.
   * Nothing is written where they do not fit.
   * @throws EdgeError INVALID_ARGUMENT naming `field` and the reason
   */
  write(region: FileRegion, parts: readonly Uint8Array[], field: string): FileRegion[] {
    const totalBytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    checkRoom(region, totalBytes, field);
    return this.#withFile(region, field, constants.O_WRONLY, (file) => {
      let offset = region.offset;
      return parts.map((part) => {
        writeAll(file, part, offset, field);
        const written = { name: region.name, offset, byteSize: part.byteLength };
        offset += part.byteLength;
        return written;
      });
    });
  }

  #withFile<T>(
    region: FileRegion,
    field: string,
    access: number,
    use: (file: number, info: FileInfo) => T,
  ): T {
    checkName(region, field);
    const file = this.#open(region.name, access, field);
    try {
      const info = fstatSync(file);
      checkFile(info, region, field);
      return use(file, info);
    } finally {
      closeSync(file);
    }
  }

  #open(name: string, access: number, field: string): number {
    try {
      return openSync(join(this.#folder, name), access | OPEN_FLAGS);
    } catch (error) {
      throw notOpened(error, field, name);
    }
  }
}

function writeAll(file: number, bytes: Uint8Array, offset: number, field: string): void {
  let done = 0;
  try {
    while (done < bytes.byteLength) {
      done += writeSync(file, bytes, done, bytes.byteLength - done, offset + done);
    }
  } catch (error) {
    throw notWritten(error, field);
  }
}
