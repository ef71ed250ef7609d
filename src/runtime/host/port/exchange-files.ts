import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { FileRegion } from '../../../contract/mod.js';
import { EdgeError, messageOf } from '../../../core/mod.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
// O_NONBLOCK: a FIFO must not make us wait for its other end.
const FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reads and writes regions of files in one caller's exchange folder. Synchronous, as the host's one thread has
 * nothing else to do meanwhile, and a call saves two hops through the thread pool.
 *
 * A file counts only while it is regular, has one hard link and lies in the folder itself. Errors name the file,
 * never the folder, whose name is the caller's secret.
 */
export class ExchangeFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws EdgeError INVALID_ARGUMENT naming `field` and the reason */
  read(region: FileRegion, field: string): Uint8Array {
    return this.#withFile(region, field, constants.O_RDONLY, (file, sizeBytes) => {
      const bytes = Buffer.allocUnsafeSlow(region.byteSize);
      let done = 0;
      while (done < bytes.byteLength) {
        const count = readSync(file, bytes, done, bytes.byteLength - done, region.offset + done);
        if (count === 0) throw refused(field, region.name, 'it became shorter while it was read');
        done += count;
      }
      const now = fstatSync(file).size;
      if (now !== sizeBytes) {
        throw refused(field, region.name, `its size changed while it was read: from ${sizeBytes} to ${now}`);
      }
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
    if (totalBytes > region.byteSize) {
      throw refused(
        `${field}.byteSize`,
        region.name,
        `the region must hold ${totalBytes} bytes: current size is ${region.byteSize}`,
      );
    }
    return this.#withFile(region, field, constants.O_WRONLY, (file) => {
      let offset = region.offset;
      return parts.map((part) => {
        writeAll(file, part, offset);
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
    use: (file: number, sizeBytes: number) => T,
  ): T {
    if (!NAME.test(region.name)) throw refused(field, region.name, 'its name must be a plain file name');
    const file = open(join(this.#folder, region.name), access | FLAGS, field, region.name);
    try {
      const info = fstatSync(file);
      if (!info.isFile()) throw refused(field, region.name, 'it is not a regular file');
      if (info.nlink !== 1) {
        throw refused(field, region.name, `it must have one hard link: current number is ${info.nlink}`);
      }
      if (!(region.offset + region.byteSize <= info.size)) {
        throw refused(
          field,
          region.name,
          `it must hold ${region.offset + region.byteSize} bytes: current size is ${info.size}`,
        );
      }
      return use(file, info.size);
    } finally {
      closeSync(file);
    }
  }
}

function open(path: string, flags: number, field: string, name: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw refused(field, name, openReason(error), error);
  }
}

function openReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ELOOP':
      return 'it is a symbolic link';
    case 'ENOENT':
      return 'there is no such file';
    case 'ENXIO':
      return 'it is not a regular file';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return `it can't be opened (${code})`;
  }
}

function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  let done = 0;
  try {
    while (done < bytes.byteLength) {
      done += writeSync(file, bytes, done, bytes.byteLength - done, offset + done);
    }
  } catch (error) {
    throw new EdgeError('EXCHANGE_FULL', `Cannot write the outputs: ${messageOf(error)}`, {
      field: 'outputFile',
      cause: error,
    });
  }
}

function refused(field: string, name: string, reason: string, cause?: unknown): EdgeError {
  return new EdgeError(
    'EXCHANGE_FILE_REFUSED',
    `Cannot use the exchange file ${JSON.stringify(name)} as ${reason}`,
    {
      field,
      cause,
    },
  );
}
