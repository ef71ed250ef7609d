import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from '../../disk/mod.js';
import { MEBIBYTE } from '../../core/mod.js';
import type { LoadSpec } from './port/mod.js';

/** Beyond it the copy would cost more than it saves. */
const MOST_BYTES = 64 * MEBIBYTE;
const PREFIX = 'spare-';

interface Source {
  readonly from: string;
  readonly to: string;
  readonly sizeBytes: number;
}

/**
 * A folder that a spare host was held to before anybody knew which model it would get: it is empty until then, so
 * that the host can read what it is told to load, and of other models nothing.
 */
export class SpareRoom {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes an empty one, and removes what a former control process left. */
  static async make(parent: string): Promise<SpareRoom> {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const own = `${PREFIX}${process.pid}-`;
    const former = (await readdir(parent)).filter((name) => name.startsWith(PREFIX) && !name.startsWith(own));
    for (const name of former) await rm(join(parent, name), { recursive: true, force: true });
    return new SpareRoom(await mkdtemp(join(parent, own)));
  }

  /**
   * Copies package and compiled graph into it. The host checks the copies by digest and signature as ever.
   * @returns how they are loaded from here; undefined where it is too much, or no such package: nothing was done
   * @throws where the disk fails
   */
  async furnish(spec: LoadSpec): Promise<LoadSpec | undefined> {
    const { folder, compiledCacheFolder } = spec;
    if (compiledCacheFolder === undefined) return undefined;
    const own = { folder: join(this.path, 'package'), compiledCacheFolder: join(this.path, 'compiled') };
    const [ofPackage, ofGraph] = await Promise.all([
      sources(folder, own.folder),
      sources(compiledCacheFolder, own.compiledCacheFolder),
    ]);
    if (ofPackage === undefined || ofGraph === undefined || ofGraph.length === 0) return undefined;
    const all = [...ofPackage, ...ofGraph];
    if (all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MOST_BYTES) return undefined;
    await Promise.all([mkdir(own.folder), mkdir(own.compiledCacheFolder)]);
    await Promise.all(all.map(({ from, to }) => copyFile(from, to)));
    return { ...spec, ...own, isCopy: false };
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The files of a flat folder; undefined where it holds anything else. */
async function sources(folder: string, target: string): Promise<Source[] | undefined> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (!entries.every((entry) => entry.isFile())) return undefined;
  return await Promise.all(
    entries.map(async ({ name }) => {
      const from = join(folder, name);
      return { from, to: join(target, name), sizeBytes: (await stat(from)).size };
    }),
  );
}
