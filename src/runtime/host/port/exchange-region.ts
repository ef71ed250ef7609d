import type { FileRegion } from '../../../contract/mod.js';
import { EdgeError, messageOf } from '../../../core/mod.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export interface FileInfo {
  readonly size: number;
  readonly nlink: number;
  isFile(): boolean;
}

/**
 * What makes a region of an exchange file usable: a plain name, a regular file with one hard link, in the folder itself,
 * that holds the region. Errors name the file, never the folder, whose name is the caller's secret.
 */
export function checkName(region: FileRegion, field: string): void {
  if (!NAME.test(region.name)) throw refused(field, region.name, 'its name must be a plain file name');
}

export function checkFile(info: FileInfo, { name, offset, byteSize }: FileRegion, field: string): void {
  if (!info.isFile()) throw refused(field, name, 'it is not a regular file');
  if (info.nlink !== 1) {
    throw refused(field, name, `it must have one hard link: current number is ${info.nlink}`);
  }
  if (!(offset + byteSize <= info.size)) {
    throw refused(field, name, `it must hold ${offset + byteSize} bytes: current size is ${info.size}`);
  }
}

/** Before anything is written. */
export function checkRoom({ name, byteSize }: FileRegion, bytes: number, field: string): void {
  if (bytes <= byteSize) return;
  const reason = `the region must hold ${bytes} bytes: current size is ${byteSize}`;
  throw refused(`${field}.byteSize`, name, reason);
}

/** After the bytes were read. */
export function checkUnchanged(before: FileInfo, after: FileInfo, name: string, field: string): void {
  if (after.size === before.size) return;
  const change = `from ${before.size} to ${after.size}`;
  throw refused(field, name, `its size changed while it was read: ${change}`);
}

export function becameShorter(field: string, name: string): EdgeError {
  return refused(field, name, 'it became shorter while it was read');
}

export function notOpened(error: unknown, field: string, name: string): EdgeError {
  return refused(field, name, openReason(error), error);
}

export function notWritten(cause: unknown, field: string): EdgeError {
  const what = field === 'outputFile' ? 'outputs' : 'reply';
  return new EdgeError('EXCHANGE_FULL', `Cannot write the ${what}: ${messageOf(cause)}`, { field, cause });
}

export function folderUnknown(field: string): EdgeError {
  return new EdgeError(
    'EXCHANGE_FOLDER_UNKNOWN',
    'Cannot use exchange files as the caller has no exchange folder',
    { field, nextStep: "Call 'hello' first: it gives the folder" },
  );
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
    case 'EACCES':
      // A confined host may open no folder, and is told no more of one.
      return 'it may not be opened: it is a folder, or its rights forbid it';
    default:
      return `it can't be opened (${code})`;
  }
}

function refused(field: string, name: string, reason: string, cause?: unknown): EdgeError {
  return new EdgeError(
    'EXCHANGE_FILE_REFUSED',
    `Cannot use the exchange file ${JSON.stringify(name)} as ${reason}`,
    { field, cause },
  );
}
