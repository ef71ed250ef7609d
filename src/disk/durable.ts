import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Small files that must be whole after any kill or power cut: a reader finds the old bytes or the new ones.
 * The memory twin is {@link memoryFiles}.
 */
export interface DurableFiles {
  /** The file's bytes, or undefined where it is not there. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Replaces the file; resolves when the new bytes would survive a power cut. Makes missing folders (0700). */
  write(path: string, data: Uint8Array, mode?: number): Promise<void>;
  /** Moves a damaged file out of the way, for people to look at; replaces what was put aside before. */
  setAside(path: string): Promise<string>;
  remove(path: string): Promise<void>;
}

/** The machine's disk. */
export const nodeFiles: DurableFiles = {
  read: async (path) => {
    try {
      return await readFile(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  },
  write: async (path, data, mode = 0o600) => await writeFileDurably(path, data, mode),
  setAside: async (path) => {
    const aside = `${path}.damaged`;
    await rename(path, aside);
    await syncFolder(dirname(path));
    return aside;
  },
  remove: async (path) => await rm(path, { force: true }),
};

/**
 * Temp name, fsync, rename, fsync of the folder. The temp name is fixed per file, so a kill leaves at most one
 * stale temp file, which the next write replaces; writers of one path must take turns.
 */
export async function writeFileDurably(path: string, data: Uint8Array, mode = 0o600): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${basename(path)}.tmp`);
  // A stale temp file of another mode, or a link put in its place, must not be written through.
  await rm(temporary, { force: true });
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const handle = await open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
  try {
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // A full disk needs the room back, and a package folder may hold no stray file.
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes names in a folder (created, renamed, removed) survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** A disk in memory, for tests: what was written is there, whole. */
export function memoryFiles(content = new Map<string, Uint8Array>()): DurableFiles & {
  readonly content: Map<string, Uint8Array>;
} {
  return {
    content,
    read: async (path) => content.get(path),
    write: async (path, data) => {
      content.set(path, data.slice());
    },
    setAside: async (path) => {
      const aside = `${path}.damaged`;
      const bytes = content.get(path);
      content.delete(path);
      if (bytes !== undefined) content.set(aside, bytes);
      return aside;
    },
    remove: async (path) => {
      content.delete(path);
    },
  };
}
