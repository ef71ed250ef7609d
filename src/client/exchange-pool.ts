import { EdgeError } from '../core/mod.js';
import { ExchangeFile } from './exchange-file.js';

/** A file that holds more than this goes after its request: what it holds is memory where the folder is in /dev/shm. */
const KEPT_BYTES = 64 * 1024 * 1024;

/** Exchange files for one agent start: reused after a reply, thrown away when the agent might still use them. */
export class ExchangePool {
  readonly folder: string;
  readonly #prefix: string;
  readonly #free: ExchangeFile[] = [];
  readonly #all = new Set<ExchangeFile>();
  #counter = 0;

  constructor(folder: string, prefix: string) {
    this.folder = folder;
    this.#prefix = prefix;
  }

  /**
   * Lays out a file, and runs a request with it.
   * A file whose request failed may still be read or written by the agent: it is never used again.
   */
  async use<L, T>(
    lay: (file: ExchangeFile) => Promise<L>,
    run: (file: ExchangeFile, laid: L) => Promise<T>,
  ): Promise<T> {
    const { file, laid } = await this.#laid(lay);
    try {
      const result = await run(file, laid);
      if (file.heldBytes <= KEPT_BYTES) this.#free.push(file);
      else await this.#discard(file);
      return result;
    } catch (thrown) {
      await this.#discard(file);
      // Where the agent found no room for outputs, ours may be what is in the way.
      if (isFull(thrown)) await this.#discardFree();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#free.length = 0;
    await Promise.all([...this.#all].map((file) => this.#discard(file)));
  }

  /** Where the folder is full, files that wait for their next use give their room first. */
  async #laid<L>(lay: (file: ExchangeFile) => Promise<L>): Promise<{ file: ExchangeFile; laid: L }> {
    try {
      return await this.#layOnce(lay);
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
      await this.#discardFree();
      return await this.#layOnce(lay);
    }
  }

  async #layOnce<L>(lay: (file: ExchangeFile) => Promise<L>): Promise<{ file: ExchangeFile; laid: L }> {
    const file = await this.#take();
    try {
      return { file, laid: await lay(file) };
    } catch (thrown) {
      await this.#discard(file);
      throw thrown;
    }
  }

  async #take(): Promise<ExchangeFile> {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.isThere) return free;
      await this.#discard(free);
    }
    const file = await ExchangeFile.create(this.folder, `${this.#prefix}-${this.#counter++}`);
    this.#all.add(file);
    return file;
  }

  async #discardFree(): Promise<void> {
    await Promise.all(this.#free.splice(0).map((file) => this.#discard(file)));
  }

  async #discard(file: ExchangeFile): Promise<void> {
    this.#all.delete(file);
    await file.remove().catch(() => undefined);
  }
}

function isFull(thrown: unknown): boolean {
  return thrown instanceof EdgeError && thrown.reason === 'EXCHANGE_FULL';
}
