import { sha256Base64 } from '../system/mod.js';
import { join } from '../disk/mod.js';
import type { DurableFiles } from '../disk/mod.js';
import { failureOf } from './failure.js';
import type { ObjectStore, PutOutcome, PutRequest } from './object-store.js';

/** Destination `Disk`: the objects as files below a folder, under the keys that they would have in S3. */
export class DiskObjectStore implements ObjectStore {
  readonly #folder: string;
  readonly #files: DurableFiles;

  constructor(folder: string, files: DurableFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  async put(request: PutRequest): Promise<PutOutcome> {
    if (sha256Base64(request.bytes) !== request.sha256)
      return { outcome: 'failed', failure: failureOf({ status: 400, code: 'BadDigest' }) };
    if (request.key.split('/').some((part) => part === '..' || part === '.'))
      return { outcome: 'failed', failure: failureOf({ status: 400, code: 'InvalidArgument' }) };
    const path = join(this.#folder, request.key);
    try {
      const existing = await this.#files.read(path);
      if (existing !== undefined && Buffer.compare(existing, request.bytes) === 0)
        return { outcome: 'exists' };
      await this.#files.write(path, request.bytes);
      return { outcome: 'stored' };
    } catch (error) {
      return { outcome: 'failed', failure: failureOf({ code: codeOf(error) }) };
    }
  }

  reset(): void {
    // A disk has no connections.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'Unknown';
}
