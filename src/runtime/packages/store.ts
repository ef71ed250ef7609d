import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Type } from '@sinclair/typebox';
import {
  checkedJson,
  EdgeError,
  isJsonObject,
  SerialQueue,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { diskError, isNotFound, nodeFiles, syncFolder, writeFileDurably } from '../../disk/mod.js';
import { PACKAGE_MAX_BYTES } from '../../model/mod.js';
import { askedBy, type FoundPackage } from '../registry/mod.js';
import { readAnnounced } from './manifest-reader.js';

const MAX_FILES = 1002;
/** Beside a copy, never in it: the host refuses files that the manifest does not list. */
const NOTE_SUFFIX = '.json';
const PARTIAL = '.partial-';

export interface PackageStoreOptions {
  /** `<work>/packages`. */
  readonly root: string;
  readonly quotaBytes: () => number;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a copy is for, kept beside it so that the registry can be rebuilt. */
export interface Origin {
  readonly model: string;
  readonly component: string | undefined;
  readonly source: string;
}

/** What the agent needs of the store. */
export type Packages = Pick<PackageStore, 'folder' | 'adopt' | 'remove' | 'list' | 'sweep'>;

/**
 * The agent's own copies of packages, in `<root>/<model>/<digest>/`, so that what serves survives Greengrass's
 * store clean-up. Copies are reflinks where the file system has them and never hard links: a hard link would
 * change with the original. A copy appears under its name only when it is whole and on disk.
 */
export class PackageStore {
  readonly #options: PackageStoreOptions;
  /** Changes take turns: a sweep must not meet a copy that is half there. */
  readonly #turns = new SerialQueue();

  constructor(options: PackageStoreOptions) {
    this.#options = options;
  }

  /** The parent of all copies. */
  get root(): string {
    return this.#options.root;
  }

  folder(model: string, digest: string): string {
    return join(this.#options.root, model, digest);
  }

  /**
   * Copies a package folder, unless it is there already.
   * @param inUse digests that must stay; others go, oldest first, where the quota wants it
   * @throws EdgeError RESOURCE_EXHAUSTED over quota or on a full disk, FAILED_PRECONDITION where it holds anything but
   * plain files, UNAVAILABLE where the disk fails
   */
  async adopt(origin: Origin, digest: string, inUse: ReadonlySet<string>): Promise<string> {
    try {
      return await this.#turns.run(() => this.#adopt(origin, digest, inUse));
    } catch (thrown) {
      throw diskError(thrown, 'keep a copy of the package');
    }
  }

  async #adopt(origin: Origin, digest: string, inUse: ReadonlySet<string>): Promise<string> {
    const target = this.folder(origin.model, digest);
    if (await isFolder(target)) return target;
    const files = await listPlainFiles(origin.source);
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    await this.#makeRoom(sizeBytes, new Set([...inUse, digest]));
    const partial = join(dirname(target), `${PARTIAL}${this.#options.random.hex(8)}`);
    try {
      await mkdir(partial, { recursive: true, mode: 0o700 });
      for (const file of files) await copyDurably(join(origin.source, file.name), join(partial, file.name));
      await syncFolder(partial);
      await writeNote(target, origin);
      await rename(partial, target);
      await syncFolder(dirname(target));
      await syncFolder(this.#options.root);
    } catch (thrown) {
      await rm(partial, { recursive: true, force: true });
      throw thrown;
    }
    return target;
  }

  async remove(model: string, digest: string): Promise<void> {
    await this.#turns.run(() => this.#remove(model, digest));
  }

  async #remove(model: string, digest: string): Promise<void> {
    const target = this.folder(model, digest);
    await rm(`${target}${NOTE_SUFFIX}`, { force: true });
    await rm(target, { recursive: true, force: true });
  }

  /** All whole copies, as their manifests name them; what is not readable is left out. */
  async list(): Promise<readonly FoundPackage[]> {
    const found: FoundPackage[] = [];
    for (const { model, digest, path } of await this.#copies()) {
      try {
        const { manifest } = await readAnnounced(path);
        const note = await readNote(path);
        found.push({
          model,
          packageName: manifest.name,
          version: manifest.version,
          digest,
          component: note.component,
          asked: askedBy(manifest),
          source: note.source ?? path,
        });
      } catch (thrown) {
        this.#options.logger.warn('A package copy cannot be read', { model, digest, reason: String(thrown) });
      }
    }
    return found;
  }

  /** Deletes what kills left behind, and every copy that nothing uses when its turn comes. */
  async sweep(inUse: () => ReadonlySet<string>): Promise<void> {
    await this.#turns.run(() => this.#sweep(inUse()));
  }

  async #sweep(inUse: ReadonlySet<string>): Promise<void> {
    for (const model of await listNames(this.#options.root)) {
      for (const name of await listNames(join(this.#options.root, model))) {
        const digest = name.endsWith(NOTE_SUFFIX) ? name.slice(0, -NOTE_SUFFIX.length) : name;
        if (!inUse.has(digest))
          await rm(join(this.#options.root, model, name), { recursive: true, force: true });
      }
    }
  }

  async #makeRoom(wantedBytes: number, inUse: ReadonlySet<string>): Promise<void> {
    const quotaBytes = this.#options.quotaBytes();
    await mkdir(this.#options.root, { recursive: true, mode: 0o700 });
    const copies = await Promise.all(
      (await this.#copies()).map(async (copy) => ({ ...copy, ...(await measure(copy.path)) })),
    );
    let usedBytes = copies.reduce((sum, copy) => sum + copy.sizeBytes, 0);
    for (const copy of copies.filter(({ digest }) => !inUse.has(digest)).sort((a, b) => a.atMs - b.atMs)) {
      if (usedBytes + wantedBytes <= quotaBytes) break;
      await this.#remove(copy.model, copy.digest);
      usedBytes -= copy.sizeBytes;
    }
    if (usedBytes + wantedBytes > quotaBytes) {
      throw new EdgeError(
        'PACKAGE_QUOTA',
        `Cannot keep a copy of the package as it has ${wantedBytes} bytes and ${Math.max(0, quotaBytes - usedBytes)} of ${quotaBytes} are left`,
        { nextStep: 'Raise packageQuotaMb' },
      );
    }
    const { bavail, bsize } = await statfs(this.#options.root);
    if (bavail * bsize < wantedBytes) {
      throw new EdgeError(
        'DISK_FULL',
        `Cannot keep a copy of the package as the disk has ${bavail * bsize} bytes left and it has ${wantedBytes}`,
      );
    }
  }

  async #copies(): Promise<{ model: string; digest: string; path: string }[]> {
    const { root } = this.#options;
    const copies: { model: string; digest: string; path: string }[] = [];
    for (const model of await listNames(root)) {
      for (const name of await listNames(join(root, model))) {
        if (/^[0-9a-f]{64}$/.test(name)) copies.push({ model, digest: name, path: join(root, model, name) });
      }
    }
    return copies;
  }
}

/** Beside each copy: for whom it was made. */
const Note = Type.Object({
  model: Type.String({ minLength: 1 }),
  component: Type.Optional(Type.String()),
  source: Type.String(),
});

async function writeNote(target: string, { model, component, source }: Origin): Promise<void> {
  const note = { model, ...(component === undefined ? {} : { component }), source };
  const text = checkedJson(Note, note, 'Cannot write the note of a package');
  await writeFileDurably(`${target}${NOTE_SUFFIX}`, new TextEncoder().encode(text));
}

async function readNote(
  target: string,
): Promise<{ component: string | undefined; source: string | undefined }> {
  const bytes = await nodeFiles.read(`${target}${NOTE_SUFFIX}`);
  const note: unknown = bytes === undefined ? {} : JSON.parse(new TextDecoder().decode(bytes));
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return isJsonObject(note)
    ? { component: text(note['component']), source: text(note['source']) }
    : { component: undefined, source: undefined };
}

async function listPlainFiles(folder: string): Promise<{ name: string; sizeBytes: number }[]> {
  const names = await listNames(folder);
  if (names.length > MAX_FILES) {
    throw new EdgeError(
      'PACKAGE_REFUSED_CONTENT',
      `Cannot copy the package as it must have at most ${MAX_FILES} files`,
    );
  }
  const files: { name: string; sizeBytes: number }[] = [];
  for (const name of names) {
    const info = await lstat(join(folder, name));
    if (!info.isFile()) {
      throw new EdgeError(
        'PACKAGE_REFUSED_CONTENT',
        `Cannot copy the package as ${JSON.stringify(name)} is no regular file`,
      );
    }
    files.push({ name, sizeBytes: info.size });
  }
  if (files.reduce((sum, file) => sum + file.sizeBytes, 0) > PACKAGE_MAX_BYTES) {
    throw new EdgeError(
      'PACKAGE_REFUSED_CONTENT',
      `Cannot copy the package as it has more than ${PACKAGE_MAX_BYTES} bytes`,
    );
  }
  return files;
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  // Artifacts are read-only (0400), and so is their copy until its mode is set: fsync does not mind.
  const handle = await open(to, 'r');
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function measure(folder: string): Promise<{ sizeBytes: number; atMs: number }> {
  let sizeBytes = 0;
  for (const name of await listNames(folder)) sizeBytes += (await lstat(join(folder, name))).size;
  return { sizeBytes, atMs: (await lstat(folder)).mtimeMs };
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (thrown) {
    if (isNotFound(thrown)) return [];
    throw thrown;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (thrown) {
    if (isNotFound(thrown)) return false;
    throw thrown;
  }
}
