import {
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  mkdir,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { dirname } from 'node:path';

/** What takes note of bytes as they pass: a running digest. */
export interface Sum {
  update(bytes: Uint8Array): unknown;
}

/** Bytes that are held open: whatever replaces or deletes their file meanwhile, they are read as they were. */
export class OpenFile implements AsyncDisposable {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async open(file: string): Promise<OpenFile> {
    return new OpenFile(await open(file, 'r'));
  }

  /** In pieces of 64 KiB at most, so that no object has to fit in memory. */
  async *pieces(start: number, endExclusive: number): AsyncGenerator<Buffer> {
    if (start >= endExclusive) return;
    const stream = this.#handle.createReadStream({ start, end: endExclusive - 1, autoClose: false });
    for await (const piece of stream as AsyncIterable<Buffer>) yield piece;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Writes a new file piece by piece, each taken note of by all sums. @returns its size in bytes */
export async function writePieces(
  file: string,
  pieces: AsyncIterable<Uint8Array>,
  sums: readonly Sum[],
): Promise<number> {
  const handle = await open(file, 'w', 0o600);
  let sizeBytes = 0;
  try {
    for await (const piece of pieces) {
      sizeBytes += piece.length;
      for (const sum of sums) sum.update(piece);
      await handle.writeFile(piece);
    }
  } finally {
    await handle.close();
  }
  return sizeBytes;
}

/** Replaces a small file as a whole. `temporary` must lie on the same disk. */
export async function replaceFile(file: string, temporary: string, data: string | Uint8Array): Promise<void> {
  await writeFile(temporary, data, { mode: 0o600 });
  await rename(temporary, file);
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Moves a file; false where something of another kind is in the way, as when `a` and `a/b` are both to be files. */
export async function moveInto(from: string, to: string): Promise<boolean> {
  try {
    await makeFolder(dirname(to));
    await rename(from, to);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['ENOTDIR', 'EEXIST', 'EISDIR', 'ENAMETOOLONG', 'ENOTEMPTY'].includes(code)) throw error;
    return false;
  }
}

export async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true });
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Removes a folder and those around it, up to `top`, as long as they are empty. */
export async function removeEmptyFolders(folder: string, top: string): Promise<void> {
  for (let current = folder; current.startsWith(`${top}/`) || current === top; current = dirname(current)) {
    try {
      await rmdir(current);
    } catch {
      return;
    }
  }
}

export async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder);
}

export async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8');
}

export async function readBytes(file: string): Promise<Buffer> {
  return await readFile(file);
}

/** When a file was made, in milliseconds; undefined where it is not there. */
export async function madeAtMs(file: string): Promise<number | undefined> {
  return await stat(file).then(
    ({ birthtimeMs, mtimeMs }) => (birthtimeMs > 0 ? birthtimeMs : mtimeMs),
    () => undefined,
  );
}
