import { Listeners, type Clock, type EdgeError, type Logger } from '../../core/mod.js';
import { KeptConfiguration } from '../../fs/mod.js';
import type { DurableFiles } from '../../disk/mod.js';
import { parseConfiguration } from './parse.js';
import type { Configuration } from './schema.js';

export interface ConfigurationHolderOptions {
  /** Where the last good configuration is kept. */
  readonly file: string;
  readonly files: DurableFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The configuration in force. Invariants: it is always a whole, valid one; a refused change leaves it as it
 * was, also over restarts; listeners hear of a change once, after it is on disk.
 */
export class ConfigurationHolder {
  readonly #listeners = new Listeners<[now: Configuration, before: Configuration]>();
  readonly #defaults = parseConfiguration({}).configuration;
  readonly #kept: KeptConfiguration<Configuration>;

  private constructor(options: ConfigurationHolderOptions) {
    this.#kept = new KeptConfiguration({
      ...options,
      initial: this.#defaults,
      parse: parseConfiguration,
      apply: (now, before = this.#defaults) => this.#listeners.tell(now, before),
    });
  }

  /** The last good configuration of this device, or defaults: no Greengrass needed. */
  static async open(options: ConfigurationHolderOptions): Promise<ConfigurationHolder> {
    const holder = new ConfigurationHolder(options);
    await holder.#kept.restore();
    return holder;
  }

  get current(): Configuration {
    return this.#kept.current ?? this.#defaults;
  }

  /** Why the newest configuration is not in force; undefined while it is. */
  get refusal(): EdgeError | undefined {
    return this.#kept.refusal;
  }

  /** Wall time of the last refusal. */
  get refusedAtMs(): number {
    return this.#kept.refusedAtMs;
  }

  onChange(listener: (now: Configuration, before: Configuration) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Puts a raw configuration in force, or refuses it as a whole. Never throws for what an operator wrote. */
  async offer(raw: unknown): Promise<boolean> {
    return await this.#kept.offer(raw);
  }

  /** Something changed: reads everything once it has been quiet. */
  touched(read: () => Promise<unknown>): void {
    this.#kept.touched(read);
  }

  close(): void {
    this.#listeners.clear();
    void this.#kept.close();
  }
}
