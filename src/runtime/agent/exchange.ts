import { chmod, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, type Clock, type Random } from '../../core/mod.js';

/** A former start's folder goes this long after it was last used: one component may have two clients. */
const SUPERSEDED_IDLE_MS = 60_000;
/** The platform does not tell when a client is gone. */
const ABANDONED_IDLE_MS = 24 * 3600 * 1000;

/** Folders of one component: each start, or each connection, has its own. */
const MAX_FOLDERS = 32;

interface Client {
  readonly component: string;
  readonly folder: string;
  lastUsedMs: number;
}

export interface ExchangeOptions {
  /** Parent of all folders of this agent; below /dev/shm where that is there. */
  readonly root: string;
  /** This process's user id; undefined where the platform has none. */
  readonly uid: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Folders in which tensors are passed by file, one per client start, named by a 128-bit secret that only `hello`
 * gives. This protects against mistakes; components of one user can't be kept apart by file rights.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #clients = new Map<string, Client>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Makes the root, and sweeps what a former start of the agent left in it. */
  async open(): Promise<void> {
    const { root, uid } = this.#options;
    await mkdir(root, { recursive: true, mode: 0o700 });
    const info = await lstat(root);
    // The parent may be open to every user of the machine: somebody could have made this name first.
    if (!info.isDirectory() || (uid !== undefined && info.uid !== uid)) {
      throw new EdgeError(
        'ENVIRONMENT_UNFIT',
        `Cannot use ${root} for tensors as it belongs to somebody else`,
        {
          nextStep: `Remove ${root}`,
        },
      );
    }
    await chmod(root, 0o700);
    for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
  }

  /**
   * The client's folder; the same on a repeated hello.
   * @throws EdgeError PERMISSION_DENIED for an app under another user
   */
  async hello(client: string, component: string, uid: number | undefined): Promise<string> {
    const own = this.#options.uid;
    if (uid !== undefined && own !== undefined && uid !== own) {
      throw new EdgeError(
        'USER_DIFFERS',
        `Cannot share files with this app as it must run as user ${own}: it runs as ${uid}`,
        { field: 'uid' },
      );
    }
    const now = this.#options.clock.monotonicMs();
    const known = this.#clients.get(client);
    if (known !== undefined) {
      known.lastUsedMs = now;
      return known.folder;
    }
    await this.#makeRoom(component);
    const folder = join(this.#options.root, this.#options.random.hex(16));
    this.#clients.set(client, { component, folder, lastUsedMs: now });
    await mkdir(folder, { mode: 0o700 });
    await this.sweep();
    return folder;
  }

  /** The folder of a client that said hello, or undefined. */
  folderOf(client: string): string | undefined {
    const known = this.#clients.get(client);
    if (known !== undefined) known.lastUsedMs = this.#options.clock.monotonicMs();
    return known?.folder;
  }

  /** The client has gone, and said so. */
  async bye(client: string): Promise<void> {
    const known = this.#clients.get(client);
    this.#clients.delete(client);
    if (known !== undefined) await rm(known.folder, { recursive: true, force: true });
  }

  /** A component that never stops saying hello takes its own folders only, the one that was idle longest first. */
  async #makeRoom(component: string): Promise<void> {
    const own = [...this.#clients].filter(([, client]) => client.component === component);
    const oldest = own.toSorted(([, a], [, b]) => a.lastUsedMs - b.lastUsedMs)[0];
    if (own.length >= MAX_FOLDERS && oldest !== undefined) await this.bye(oldest[0]);
  }

  /** Removes the folders of clients that are gone: superseded by a newer start, or silent for a day. */
  async sweep(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    const newest = new Map<string, string>();
    for (const [id, { component }] of this.#clients) newest.set(component, id);
    for (const [id, client] of this.#clients) {
      const limitMs = newest.get(client.component) === id ? ABANDONED_IDLE_MS : SUPERSEDED_IDLE_MS;
      if (now - client.lastUsedMs < limitMs) continue;
      this.#clients.delete(id);
      await rm(client.folder, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    this.#clients.clear();
    await rm(this.#options.root, { recursive: true, force: true });
  }
}
