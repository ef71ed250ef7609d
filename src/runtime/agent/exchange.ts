import { lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, messageOf, type Clock, type Logger, type Random } from '../../core/mod.js';
import { ExchangeRoot } from './exchange-root.js';

/** A former start's folder goes this long after it was last used: one component may have two clients. */
const SUPERSEDED_IDLE_MS = 60_000;
/** The platform does not tell when a client is gone. */
const ABANDONED_IDLE_MS = 24 * 3600 * 1000;

/** Folders of one component: each start, or each connection, has its own. */
const MAX_FOLDERS = 32;
/** Folders over all components, whose names nobody vouches for. */
const MAX_ALL_FOLDERS = 256;

interface Client {
  readonly id: string;
  readonly component: string;
  readonly folder: string;
  lastUsedMs: number;
}

export interface ExchangeOptions {
  /** Where the parent of all folders of this agent may be, the wanted one first. */
  readonly roots: () => readonly string[];
  /** This process's user id; undefined where the platform has none. */
  readonly uid: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called, and waited for, where the parent of all folders had to be made anew. */
  readonly onRemade?: () => Promise<void>;
}

/**
 * Folders in which tensors are passed by file, one per client start, named by a 128-bit secret that only `hello`
 * gives. This protects against mistakes; components of one user can't be kept apart by file rights.
 *
 * Nobody vouches for the component that a hello names, so that one hello never costs another client what it has laid
 * down: where the bounds are reached, only folders that are idle and empty go, whose clients get another one.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #root: ExchangeRoot;
  /** By component and client: who names a stranger's id gets a folder of his own. */
  readonly #clients = new Map<string, Client>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#root = new ExchangeRoot(options);
  }

  /** Makes the root, and sweeps what a former start of the agent left. */
  async open(): Promise<void> {
    await this.#root.open();
  }

  /** Another folder may be wanted by now: clients that say hello from now on get theirs there. */
  async configured(): Promise<void> {
    await this.#root.choose();
  }

  /**
   * The client's folder; the same on a repeated hello.
   * @throws EdgeError PERMISSION_DENIED for an app under another user, RESOURCE_EXHAUSTED where there are too many
   * folders, or no room for one more
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
    const key = keyOf(client, component);
    const before = this.#clients.get(key);
    if (before !== undefined && this.#root.holds(before.folder)) return await this.#again(before);
    if (before !== undefined) await this.#remove(key);
    await this.sweep();
    if (this.#isFull(component)) await this.#reclaim();
    // From here to the new entry nothing is waited for: as many hellos at once as there may be keep to the bounds.
    const meanwhile = this.#clients.get(key);
    if (meanwhile !== undefined) return await this.#again(meanwhile);
    if (this.#isFull(component)) throw full(component);
    const made = {
      id: client,
      component,
      folder: join(this.#root.path, this.#options.random.hex(16)),
      lastUsedMs: this.#options.clock.monotonicMs(),
    };
    this.#clients.set(key, made);
    try {
      return await this.#made(made);
    } catch (thrown) {
      if (this.#clients.get(key) === made) this.#clients.delete(key);
      throw thrown;
    }
  }

  /** The folder of a component's client that said hello, or undefined. */
  folderOf(client: string, component: string): string | undefined {
    const known = this.#clients.get(keyOf(client, component));
    if (known !== undefined) known.lastUsedMs = this.#options.clock.monotonicMs();
    return known?.folder;
  }

  /** The client has gone, and said so. */
  async bye(client: string): Promise<void> {
    for (const [key, { id }] of this.#clients) if (id === client) await this.#remove(key);
  }

  async #remove(key: string): Promise<void> {
    const known = this.#clients.get(key);
    this.#clients.delete(key);
    if (known !== undefined) await rm(known.folder, { recursive: true, force: true });
  }

  /** Removes the folders of clients that are gone: superseded by a newer start, or silent for a day. */
  async sweep(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    const newest = new Map<string, string>();
    for (const [id, { component }] of this.#clients) newest.set(component, id);
    for (const [id, client] of this.#clients) {
      const limitMs = newest.get(client.component) === id ? ABANDONED_IDLE_MS : SUPERSEDED_IDLE_MS;
      if (now - client.lastUsedMs >= limitMs) await this.#remove(id);
    }
  }

  async close(): Promise<void> {
    this.#clients.clear();
    await this.#root.close();
  }

  #isFull(component: string): boolean {
    if (this.#clients.size >= MAX_ALL_FOLDERS) return true;
    return [...this.#clients.values()].filter((one) => one.component === component).length >= MAX_FOLDERS;
  }

  /** Lets go of folders that nobody has used for a minute and that hold nothing, one component's after the other. */
  async #reclaim(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    for (const [id, { folder, lastUsedMs }] of this.#clients) {
      if (now - lastUsedMs < SUPERSEDED_IDLE_MS) continue;
      const gone = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (gone) this.#clients.delete(id);
    }
  }

  /** Somebody may have cleaned up below us: what was named before is there again. */
  async #again(known: Client): Promise<string> {
    known.lastUsedMs = this.#options.clock.monotonicMs();
    if (await isThere(known.folder)) return known.folder;
    return await this.#made(known);
  }

  /** @throws EdgeError UNAVAILABLE where the root can't be used any more: the next hello gets a folder elsewhere */
  async #made({ folder }: Client): Promise<string> {
    try {
      const first = await mkdir(folder, { mode: 0o700, recursive: true });
      if (first !== undefined && first !== folder) await this.#options.onRemade?.();
      return folder;
    } catch (cause) {
      await this.#root.choose();
      const sentence = `Cannot make an exchange folder as the agent must look for another place: ${messageOf(cause)}`;
      throw new EdgeError('EXCHANGE_FOLDER_MOVED', sentence, { retryAfterMs: 100, cause });
    }
  }
}

function keyOf(client: string, component: string): string {
  return JSON.stringify([component, client]);
}

async function isThere(folder: string): Promise<boolean> {
  return await lstat(folder).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

function full(component: string): EdgeError {
  return new EdgeError(
    'EXCHANGE_FOLDERS_TAKEN',
    `Cannot give ${component} an exchange folder as there are too many: end clients that are no longer used; tensors that fit a message need none`,
    { retryAfterMs: SUPERSEDED_IDLE_MS },
  );
}
