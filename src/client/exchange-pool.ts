import { ExchangeFile } from './exchange-file.js';

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

  /** A file whose request failed may still be read or written by the agent: it is never used again. */
  async use<T>(run: (file: ExchangeFile) => Promise<T>): Promise<T> {
    const file = await this.#take();
    try {
      const result = await run(file);
      this.#free.push(file);
      return result;
    } catch (thrown) {
      this.#all.delete(file);
      await file.remove().catch(() => undefined);
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#free.length = 0;
    const files = [...this.#all];
    this.#all.clear();
    await Promise.all(files.map((file) => file.remove().catch(() => undefined)));
  }

  async #take(): Promise<ExchangeFile> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const file = await ExchangeFile.create(this.folder, `${this.#prefix}-${this.#counter++}`);
    this.#all.add(file);
    return file;
  }
}
