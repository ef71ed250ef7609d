import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../core/mod.js';

/** A native file that the build put beside the bundle. */
export interface NativeFile {
  readonly name: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** By `process.arch`, then by npm package. */
export type NativeFiles = Readonly<Record<string, Readonly<Record<string, readonly NativeFile[]>>>>;

/** Written into a bundle by its build; nothing elsewhere, where npm's own folders hold the files. */
declare const EDGE_NATIVE_FILES: NativeFiles | undefined;

/** Names the folder to processes whose working folder is not the component's. */
export const NATIVE_FOLDER_VARIABLE = 'EDGE_MANAGER_NATIVE_FOLDER';
/** A process that has just been told where a copy lies maps it within this time. */
const UNUSED_MS = 3_600_000;
const CHUNK_BYTES = 1024 * 1024;
const DRAFT = 'draft-';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where a component's processes map native files from: a folder of its own, below the component's work folder.
 *
 * A file that is mapped must never change: nucleus lite copies the artifacts of a local deployment over those that
 * are there, and whoever has one mapped dies at its next instruction. So each set of native files is copied once,
 * checked against the digests that the build wrote down, put on disk for good, and only then given its name, which
 * has the set's digest; it never changes after that.
 * @example `nativeFolder(process.env, '/greengrass/v2/work/org.edgemanager.AgentRuntime')` → `…/native`
 */
export function nativeFolder(environment: Environment, workFolder: string): string {
  const named = environment[NATIVE_FOLDER_VARIABLE] ?? '';
  return named === '' ? join(workFolder, 'native') : named;
}

/** For a child whose environment is otherwise empty. */
export function nativeEnvironment(environment: Environment): Record<string, string> {
  const named = environment[NATIVE_FOLDER_VARIABLE] ?? '';
  return named === '' ? {} : { [NATIVE_FOLDER_VARIABLE]: named };
}

/**
 * The path from which this process must load `name`. Beside the bundle where no Greengrass started this process, or
 * where the folder cannot be written.
 * @throws EdgeError where the file beside the bundle is not the one that was built with it, as while it is replaced
 */
export function nativePath(beside: string, name: string): string {
  const isOnCore = (process.env['SVCUID'] ?? process.env[NATIVE_FOLDER_VARIABLE] ?? '') !== '';
  const found = isOnCore ? setWith(name) : undefined;
  if (found === undefined) return join(beside, name);
  const [npmPackage, files] = found;
  const folder = placed(beside, nativeFolder(process.env, process.cwd()), npmPackage, files);
  return join(folder ?? beside, name);
}

/** Places copies of all native files that stand beside the bundle, and drops those that nobody uses any more. */
export function placeNativeFiles(beside: string, folder: string): void {
  const ours = Object.entries(setsHere()).filter(([, files]) =>
    files.every(({ name }) => sizeOf(join(beside, name)) !== undefined),
  );
  for (const [npmPackage, files] of ours) placed(beside, folder, npmPackage, files);
  sweep(folder, new Set(ours.map(([npmPackage, files]) => setName(npmPackage, files))));
}

function setsHere(): NativeFiles[string] {
  return (typeof EDGE_NATIVE_FILES === 'undefined' ? undefined : EDGE_NATIVE_FILES[process.arch]) ?? {};
}

function setWith(name: string): readonly [string, readonly NativeFile[]] | undefined {
  return Object.entries(setsHere()).find(([, files]) => files.some((file) => file.name === name));
}

function setName(npmPackage: string, files: readonly NativeFile[]): string {
  const hash = createHash('sha256');
  for (const { name, sha256 } of files) hash.update(`${name} ${sha256}\n`);
  return `${npmPackage}-${hash.digest('hex').slice(0, 32)}`;
}

/** @returns the set's folder; undefined where none can be made, as on a full disk */
function placed(
  beside: string,
  folder: string,
  npmPackage: string,
  files: readonly NativeFile[],
): string | undefined {
  const path = join(folder, setName(npmPackage, files));
  try {
    makePrivate(folder);
    if (!isWhole(path, files)) place(beside, folder, path, files);
    utimesSync(path, new Date(), new Date());
    return path;
  } catch (thrown) {
    if (thrown instanceof EdgeError) throw thrown;
    // Another user's process, or a host that may only read.
    return isWhole(path, files) ? path : undefined;
  }
}

function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const info = lstatSync(folder);
  if (!info.isDirectory() || info.uid !== process.getuid?.())
    throw new Error(`${folder} is not a folder of this user`);
  if ((info.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

function isWhole(path: string, files: readonly NativeFile[]): boolean {
  return files.every(({ name, sizeBytes }) => sizeOf(join(path, name)) === sizeBytes);
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function place(beside: string, folder: string, path: string, files: readonly NativeFile[]): void {
  const draft = join(folder, `${DRAFT}${process.pid}-${Date.now()}`);
  try {
    mkdirSync(draft, { mode: 0o700 });
    for (const file of files) copy(join(beside, file.name), join(draft, file.name), file);
    // One that is there already and not whole was left by a sick disk.
    if (sizeOf(path) !== undefined) rmSync(path, { recursive: true });
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { recursive: true, force: true });
    // Another process of this component may have been first.
    if (!isWhole(path, files)) throw thrown;
  }
}

function copy(from: string, to: string, { name, sha256 }: NativeFile): void {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  const file = openSync(to, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk))
      hash.update(chunk.subarray(0, read));
    if (hash.digest('hex') !== sha256) {
      throw new EdgeError(
        'ENVIRONMENT_UNFIT',
        `Cannot load ${name} as it is not the file that was built with this program: its SHA-256 must be ${sha256}`,
        { nextStep: 'Deploy the component again; while a deployment copies its files this passes by itself' },
      );
    }
    // A name that outlives a power cut must stand for bytes that do.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(to, 0o500);
}

/** Others' sets stay as long as a process of this machine has them mapped, or may be about to. */
function sweep(folder: string, ours: ReadonlySet<string>): void {
  const old = folders(folder).filter(
    (name) => !ours.has(name) && Date.now() - statSync(join(folder, name)).mtimeMs > UNUSED_MS,
  );
  if (old.length === 0) return;
  const maps = mapsOfAll();
  for (const name of old)
    if (!maps.some((text) => text.includes(`${join(folder, name)}/`)))
      rmSync(join(folder, name), { recursive: true, force: true });
}

function folders(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Those of other users cannot be read, nor can these users map what lies in a private folder. */
function mapsOfAll(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/maps`, 'utf8');
      } catch {
        return '';
      }
    });
}
