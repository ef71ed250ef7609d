import { chmod, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EdgeError, messageOf, type Logger } from '../../core/mod.js';

/** Made and removed to see whether folders can be made; a client's folder has 32 hexadecimal digits. */
const PROBE = 'probe';

export interface ExchangeRootOptions {
  /** Where the root may be, the wanted place first. */
  readonly roots: () => readonly string[];
  readonly uid: number | undefined;
  readonly logger: Logger;
  /** Called where a root had to be made anew: model hosts are held to the folder that was there as they started. */
  readonly onRemade?: () => Promise<void>;
}

/** The parent of all exchange folders of an agent: the first of its places that can be used. */
export class ExchangeRoot {
  readonly #options: ExchangeRootOptions;
  /** Every place that clients may still have folders in. */
  readonly #used = new Set<string>();
  #path = '';

  constructor(options: ExchangeRootOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#path;
  }

  holds(folder: string): boolean {
    return dirname(folder) === this.#path;
  }

  /** Chooses a place, and removes what a former start of the agent left in any. */
  async open(): Promise<void> {
    await this.choose();
    for (const root of this.#options.roots()) {
      if (await isOurs(root, this.#options.uid)) await emptied(root);
    }
  }

  /**
   * Takes the first place that can be used; what clients have in another one stays there.
   * @throws EdgeError FAILED_PRECONDITION where there is none
   */
  async choose(): Promise<void> {
    const { roots, uid, logger, onRemade } = this.#options;
    const failures: string[] = [];
    for (const root of roots()) {
      let made: boolean;
      try {
        made = await prepare(root, uid);
      } catch (thrown) {
        failures.push(messageOf(thrown));
        continue;
      }
      if (failures.length > 0) {
        logger.warn('Large tensors do not go through the wanted exchange folder', {
          wanted: dirname(roots()[0] ?? root),
          used: root,
          reason: failures.join('; '),
        });
      }
      this.#path = root;
      if (made && this.#used.size > 0) await onRemade?.();
      this.#used.add(root);
      return;
    }
    throw new EdgeError(
      'ENVIRONMENT_UNFIT',
      `Cannot make a folder for large tensors: ${failures.join('; ')}`,
      { field: 'exchangeFolder', nextStep: "Set 'exchangeFolder' to a folder that the agent may write" },
    );
  }

  async close(): Promise<void> {
    for (const root of this.#used) await rm(root, { recursive: true, force: true });
  }
}

/** @returns whether it was not there before */
async function prepare(root: string, uid: number | undefined): Promise<boolean> {
  const made = await mkdir(root, { mode: 0o700 }).then(
    () => true,
    (thrown: unknown) => {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown;
      return false;
    },
  );
  // The parent may be open to every user of the machine: somebody could have made this name first.
  if (!(await isOurs(root, uid))) throw new Error(`${root} belongs to somebody else`);
  await chmod(root, 0o700);
  const probe = join(root, PROBE);
  await mkdir(probe, { recursive: true });
  await rmdir(probe);
  return made;
}

async function isOurs(root: string, uid: number | undefined): Promise<boolean> {
  const info = await lstat(root).catch(() => undefined);
  return info !== undefined && info.isDirectory() && (uid === undefined || info.uid === uid);
}

/** A place that became read-only keeps what it has. */
async function emptied(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names)
    await rm(join(root, name), { recursive: true, force: true }).catch(() => undefined);
}
