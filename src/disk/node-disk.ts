import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, unlink, type FileHandle } from 'node:fs/promises';
import type { Reason } from '../contract/mod.js';
import { EdgeError, messageOf } from '../core/mod.js';
import type { Disk, DiskFile, FileStat } from './disk.js';
import { syncFolder } from './durable.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** The machine's disk. Calls run on libuv's threads, so that a slow disk never blocks the event loop. */
export const nodeDisk: Disk = {
  makeFolder: async (path) => {
    await translated(mkdir(path, { recursive: true, mode: 0o700 }), `make folder ${path}`);
  },
  list: async (path) => {
    try {
      return await readdir(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw diskError(error, `list ${path}`);
    }
  },
  stat: async (path): Promise<FileStat | undefined> => {
    try {
      const stats: Stats = await lstat(path);
      return stats.isFile() ? { sizeBytes: stats.size, modifiedMs: stats.mtimeMs } : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw diskError(error, `look at ${path}`);
    }
  },
  create: async (path) => {
    const flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW;
    return new NodeFile(path, await translated(open(path, flags, 0o600), `create ${path}`));
  },
  read: async (path, fromBytes = 0) => await translated(readRegular(path, fromBytes), `read ${path}`),
  rename: async (from, to) => await translated(rename(from, to), `rename ${from}`),
  // `rm` would look at each file before.
  remove: async (path) => {
    try {
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw diskError(error, `remove ${path}`);
    }
  },
  syncFolder: async (path) => await translated(syncFolder(path), `sync folder ${path}`),
};

/**
 * Deletes a file, or a folder with all that is in it; links are deleted, not followed. What is not there is no error.
 * @throws EdgeError where the disk does not let it
 */
export async function removeTree(path: string): Promise<void> {
  await translated(rm(path, { recursive: true, force: true }), `remove ${path}`);
}

class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #position = 0;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    const from = this.#position;
    let written = 0;
    while (written < bytes.byteLength) {
      const result = await translated(
        this.#handle.write(bytes, written, bytes.byteLength - written, from + written),
        `write ${this.#path}`,
      );
      written += result.bytesWritten;
    }
    this.#position = from + written;
  }

  async sync(): Promise<void> {
    // fdatasync also makes a grown size durable; only times may be lost.
    await translated(this.#handle.datasync(), `sync ${this.#path}`);
  }

  async truncate(sizeBytes: number): Promise<void> {
    await translated(this.#handle.truncate(sizeBytes), `truncate ${this.#path}`);
    this.#position = sizeBytes;
  }

  async close(): Promise<void> {
    await translated(this.#handle.close(), `close ${this.#path}`);
  }
}

async function readRegular(path: string, fromBytes: number): Promise<Uint8Array> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    const stats = await handle.stat();
    if (!stats.isFile())
      throw new EdgeError('FILE_UNUSABLE', `Cannot read ${path} as it is not a regular file`);
    const from = fromBytes < 0 ? Math.max(0, stats.size + fromBytes) : Math.min(fromBytes, stats.size);
    const bytes = Buffer.allocUnsafe(stats.size - from);
    let read = 0;
    while (read < bytes.byteLength) {
      const { bytesRead } = await handle.read(bytes, read, bytes.byteLength - read, from + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } finally {
    await handle.close();
  }
}

async function translated<T>(work: Promise<T>, action: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskError(error, action);
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

const REASONS: Readonly<Record<string, Reason>> = {
  ENOENT: 'FILE_NOT_FOUND',
  EEXIST: 'FILE_EXISTS',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EACCES: 'FILE_DENIED',
  EPERM: 'FILE_DENIED',
};

/** What an error of the machine's disk says: whose fault it is, by its errno. */
export function diskError(error: unknown, action: string): EdgeError {
  if (error instanceof EdgeError) return error;
  const reason = REASONS[errnoOf(error) ?? ''] ?? 'DISK_FAILED';
  return new EdgeError(reason, `Cannot ${action}: ${messageOf(error)}`, { cause: error });
}
