import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { EdgeError } from '../core/mod.js';
import { diskError } from '../disk/mod.js';

const CHUNK_BYTES = 1024 * 1024;
/** Bytes of this many and more can be given back at once, without a wait for the garbage collector. */
const RETURNABLE_BYTES = 256 * 1024 * 1024;

export interface VerifiedFile {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** The very bytes that were hashed; absent where they were not wanted. */
  readonly bytes: Uint8Array | undefined;
  /** Tells this very file with this very content; the kernel changes it with each write, whoever writes. */
  readonly mark: string;
}

/**
 * Reads a regular file once: what is hashed is what is returned, so nothing can change between check and use.
 * Links are refused, as they would let a file outside the package count as one of its own. A file that grows or
 * shrinks while it is read is refused by its size. A disk that gives no answer says nothing against the package.
 * @throws EdgeError FAILED_PRECONDITION naming the file; UNAVAILABLE where the disk fails, PERMISSION_DENIED where
 * the file may not be read
 */
export async function readOnce(
  path: string,
  name: string,
  options: { keep: boolean; maxBytes: number; hardLinks?: boolean },
): Promise<VerifiedFile> {
  const file = await openPlain(path, name);
  try {
    const info = await file.stat();
    if (!info.isFile()) refuse(name, 'it is not a regular file');
    if (info.nlink !== 1 && options.hardLinks !== true)
      refuse(name, `it must have one hard link: it has ${info.nlink}`);
    if (info.size > options.maxBytes) {
      refuse(name, `it must be at most ${options.maxBytes} bytes: current size is ${info.size}`);
    }
    const mark = await markOf(file);
    const found = await hashFile(file, name, info.size, options.keep);
    if ((await markOf(file)) !== mark) refuse(name, 'it changed while it was read');
    return { ...found, mark };
  } catch (thrown) {
    throw diskError(thrown, `read ${name} of the package`);
  } finally {
    await file.close();
  }
}

async function openPlain(path: string, name: string): Promise<FileHandle> {
  try {
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ELOOP') return refuse(name, 'it is a symbolic link', error);
    if (code === 'ENOENT') return refuse(name, 'it is missing', error);
    if (code === 'ENXIO') return refuse(name, 'it is not a regular file', error);
    throw diskError(error, `open ${name} of the package`);
  }
}

/**
 * Whether a path still names the very file that was read, and nobody has written to it since: for files that others
 * open by their path, before what they found there counts.
 * @throws EdgeError FAILED_PRECONDITION naming the file
 */
export async function checkUnchanged(path: string, name: string, mark: string): Promise<void> {
  const found = await lstat(path, { bigint: true }).catch((error: unknown) => {
    throw diskError(error, `look at ${name} of the package`);
  });
  if (markFrom(found) !== mark) refuse(name, 'it changed after it was checked');
}

/** Gives the memory of a file's bytes back to the system; they are empty then. */
export function giveBack({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.resizable) buffer.resize(0);
}

function roomFor(sizeBytes: number): ArrayBuffer {
  if (sizeBytes < RETURNABLE_BYTES) return new ArrayBuffer(sizeBytes);
  return new ArrayBuffer(sizeBytes, { maxByteLength: sizeBytes });
}

async function markOf(file: FileHandle): Promise<string> {
  return markFrom(await file.stat({ bigint: true }));
}

function markFrom({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

async function hashFile(
  file: FileHandle,
  name: string,
  sizeBytes: number,
  keep: boolean,
): Promise<Omit<VerifiedFile, 'mark'>> {
  const hash = createHash('sha256');
  // Its own memory, never Node's shared pool: typed arrays over it need offset 0.
  const whole = keep ? new Uint8Array(roomFor(sizeBytes)) : undefined;
  const scratch = new Uint8Array(Math.min(CHUNK_BYTES, sizeBytes + 1));
  let at = 0;
  while (at < sizeBytes) {
    const target = whole?.subarray(at, Math.min(at + CHUNK_BYTES, sizeBytes)) ?? scratch;
    const { bytesRead } = await file.read(target, 0, Math.min(target.length, sizeBytes - at), at);
    if (bytesRead === 0) refuse(name, 'it became shorter while it was read');
    hash.update(target.subarray(0, bytesRead));
    at += bytesRead;
  }
  const { bytesRead } = await file.read(new Uint8Array(1), 0, 1, sizeBytes);
  if (bytesRead > 0) refuse(name, 'it grew while it was read');
  return { sizeBytes, sha256: hash.digest('hex'), bytes: whole };
}

export function refuse(name: string, reason: string, cause?: unknown): never {
  throw new EdgeError(
    'PACKAGE_REFUSED_CONTENT',
    `Cannot open the package as ${name} is not acceptable: ${reason}`,
    {
      field: name,
      cause,
    },
  );
}
