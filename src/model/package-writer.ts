import { createHash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EdgeError, toEdgeError, type Random } from '../core/mod.js';
import { isNotFound, syncFolder, writeFileDurably } from '../disk/mod.js';
import { encodeManifest, parseManifest } from './manifest.js';
import type { FileRole, Manifest, PackageFile } from './manifest-schema.js';
import { MANIFEST_FILE } from './names.js';

/** One file that goes into a package. */
export type NewFile = NewBytes | NewLargeFile;

interface NewBytes {
  readonly path: string;
  readonly role: FileRole;
  readonly bytes: Uint8Array;
}

/** A file that lies on the package's file system, on disk and hashed: it is moved into the package. */
export interface NewLargeFile extends PackageFile {
  readonly file: string;
}

/** The manifest with its file list filled in from the files' own bytes, and checked as a reader will check it. */
export function completeManifest(manifest: Omit<Manifest, 'files'>, files: readonly NewFile[]): Manifest {
  const listed = files.map(describe).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const complete = { ...manifest, files: listed };
  try {
    // By the reader itself: what it would refuse must not be signed and published first.
    return parseManifest(encodeManifest(complete));
  } catch (error) {
    const { reason, message, field } = toEdgeError(error);
    throw new EdgeError(reason, message.replace('Cannot read the manifest', 'Cannot package the model'), {
      field,
      nextStep: 'Correct it in model.yaml, or where the model was exported if it is of the graph',
      cause: error,
    });
  }
}

/** SHA-256 as lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Writes a package folder whole or not at all: into a folder beside it that is renamed at the end.
 * A former folder of that name is replaced.
 * @throws EdgeError PERMISSION_DENIED or RESOURCE_EXHAUSTED with the system's reason
 */
export async function writePackage(
  folder: string,
  manifest: Manifest,
  files: readonly NewFile[],
  random: Random,
): Promise<{ digest: string }> {
  const manifestBytes = encodeManifest(manifest);
  const all = [...files, { path: MANIFEST_FILE, role: 'other' as const, bytes: manifestBytes }];
  await replaceFolder(folder, random, async (draft) => {
    for (const one of all) {
      if ('file' in one) await rename(one.file, join(draft, one.path));
      else await writeFileDurably(join(draft, one.path), one.bytes, 0o644);
    }
  });
  return { digest: sha256Hex(manifestBytes) };
}

/** Fills a draft beside `folder` and puts it in its place; on any error nothing of the draft stays. */
async function replaceFolder(
  folder: string,
  random: Random,
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  const token = random.hex(6);
  const draft = join(dirname(folder), `.${basename(folder)}.${token}.draft`);
  const former = join(dirname(folder), `.${basename(folder)}.${token}.former`);
  try {
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(draft);
    await fill(draft);
    await syncFolder(draft);
    await moveAside(folder, former);
    await rename(draft, folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    // The first error is the one to tell, whatever becomes of the draft.
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    throw asWriteError(folder, error);
  }
  await rm(former, { recursive: true, force: true });
}

async function moveAside(folder: string, former: string): Promise<void> {
  try {
    await rename(folder, former);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Replaces one file, whole or not at all. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFileDurably(path, bytes, 0o644);
  } catch (error) {
    throw asWriteError(path, error);
  }
}

function describe(one: NewFile): PackageFile {
  const { path, role } = one;
  if ('file' in one) return { path, role, sizeBytes: one.sizeBytes, sha256: one.sha256 };
  const { bytes } = one;
  return { path, role, sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function asWriteError(path: string, error: unknown): unknown {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new EdgeError('FILE_DENIED', `Cannot write ${path} as its folder can't be written`, {
        field: path,
        nextStep: 'Choose another output folder with --out, or change its permissions',
        cause: error,
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new EdgeError('FILE_UNUSABLE', `Cannot write ${path} as a part of its path is a file`, {
        field: path,
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new EdgeError('DISK_FULL', `Cannot write ${path} as the disk is full`, {
        field: path,
        cause: error,
      });
    default:
      return error;
  }
}
