import { constants } from 'node:fs';
import {
  cp,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { writeFileDurably } from '../../src/disk/mod.js';
import { startDigest } from '../../src/system/mod.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

// Errors are the system's own: who asks says what for, and what a person should do.

export function readBytes(path: string): Promise<Buffer> {
  return readFile(path);
}

export function readText(path: string): Promise<string> {
  return readFile(path, 'utf8');
}

/** Not for what must survive a power cut. */
export function writeBytes(path: string, content: Uint8Array | string, mode = 0o666): Promise<void> {
  return writeFile(path, content, { mode });
}

/** Writes a file that is whole as soon as it is there, and replaces none. @returns false where there is one */
export async function writeNew(path: string, content: Uint8Array, mode: number): Promise<boolean> {
  const whole = join(dirname(path), `.${basename(path)}.new`);
  await writeFileDurably(whole, content, mode);
  try {
    // A link never replaces what is there, whoever else writes meanwhile.
    await link(whole, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(whole, { force: true });
  }
}

/** Adds a line to a file, on disk when it returns. A line that a kill had cut stays a line of its own. */
export async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, 'a+', 0o644);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const isWhole = size === 0 || last.toString() === '\n';
    await file.appendFile(`${isWhole ? '' : '\n'}${line}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether a path lies in a folder or below it; both as the system knows them, without links. */
export function isInside(folder: string, path: string): boolean {
  return path.startsWith(folder === '/' ? folder : `${folder}/`);
}

/** Names, unsorted. */
export function namesIn(folder: string): Promise<string[]> {
  return readdir(folder);
}

/** A stretch of bytes: in memory, or of a file. */
export interface Part {
  readonly sizeBytes: number;
  readonly from: Uint8Array | { readonly path: string; readonly offset: number };
}

/**
 * Writes a new file part by part, in chunks, durably. Its sources must be regular files and no links.
 * @returns its SHA-256 in hex
 */
export async function writeParts(path: string, parts: readonly Part[]): Promise<string> {
  const hash = startDigest('sha256');
  const file = await open(path, 'wx', 0o644);
  try {
    for (const { from, sizeBytes } of parts) {
      for await (const chunk of from instanceof Uint8Array ? [from] : chunksOf({ ...from, sizeBytes })) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function* chunksOf(stretch: {
  path: string;
  offset: number;
  sizeBytes: number;
}): AsyncGenerator<Uint8Array> {
  const file = await open(stretch.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${stretch.path} is not a regular file`);
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, stretch.sizeBytes));
    for (let done = 0; done < stretch.sizeBytes;) {
      const wanted = Math.min(buffer.length, stretch.sizeBytes - done);
      const { bytesRead } = await file.read(buffer, 0, wanted, stretch.offset + done);
      if (bytesRead === 0) throw new Error(`${stretch.path} became shorter while it was read`);
      yield buffer.subarray(0, bytesRead);
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** @throws Error where the file ends before */
export async function readStretch(path: string, offset: number, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let done = 0;
  for await (const chunk of chunksOf({ path, offset, sizeBytes })) {
    bytes.set(chunk, done);
    done += chunk.length;
  }
  return bytes;
}

/** SHA-256 of a file in hex, read in chunks. */
export async function digestOf(path: string): Promise<string> {
  const hash = startDigest('sha256');
  for await (const chunk of chunksOf({ path, offset: 0, sizeBytes: await sizeOf(path) })) hash.update(chunk);
  return hash.digest('hex');
}

/** All files below a folder, by their paths in it, unsorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The path without links. */
export function realPath(path: string): Promise<string> {
  return realpath(path);
}

/** With its parents. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

export function copyFolder(from: string, to: string): Promise<void> {
  return cp(from, to, { recursive: true });
}

export function move(from: string, to: string): Promise<void> {
  return rename(from, to);
}

/** A file, or a folder with all that is in it; no error where there is none. */
export function removeAll(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}
