import { messageOf, toEdgeError, type Clock, type EdgeError, type Logger } from '../../core/mod.js';
import type { DurableFiles } from '../../fs/durable.js';
import { parseConfiguration } from './parse.js';
import type { Configuration } from './schema.js';

/** Nucleus lite tells of a change once per leaf: wait until it is quiet, then read all. */
const QUIET_MS = 500;

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
  readonly #options: ConfigurationHolderOptions;
  readonly #listeners = new Set<(now: Configuration, before: Configuration) => void>();
  #current: Configuration;
  #cancelQuiet: (() => void) | undefined;
  #lastWarning = '';
  #refusal: EdgeError | undefined;
  #refusedAtMs = 0;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(options: ConfigurationHolderOptions, current: Configuration) {
    this.#options = options;
    this.#current = current;
  }

  /** The last good configuration of this device, or defaults: no Greengrass needed. */
  static async open(options: ConfigurationHolderOptions): Promise<ConfigurationHolder> {
    const bytes = await options.files.read(options.file);
    if (bytes !== undefined) {
      try {
        const kept = JSON.parse(new TextDecoder().decode(bytes)) as unknown;
        return new ConfigurationHolder(options, parseConfiguration(kept).configuration);
      } catch (thrown) {
        const aside = await options.files.setAside(options.file);
        options.logger.error('The kept configuration is damaged: defaults are in force', {
          aside,
          reason: messageOf(thrown),
        });
      }
    }
    return new ConfigurationHolder(options, parseConfiguration({}).configuration);
  }

  get current(): Configuration {
    return this.#current;
  }

  /** Why the newest configuration is not in force; undefined while it is. */
  get refusal(): EdgeError | undefined {
    return this.#refusal;
  }

  /** Wall time of the last refusal. */
  get refusedAtMs(): number {
    return this.#refusedAtMs;
  }

  onChange(listener: (now: Configuration, before: Configuration) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Puts a raw configuration in force, or refuses it as a whole. Never throws for what an operator wrote. */
  async offer(raw: unknown): Promise<boolean> {
    const { logger, files, file } = this.#options;
    let parsed;
    try {
      parsed = parseConfiguration(raw);
    } catch (thrown) {
      this.#refusal = toEdgeError(thrown);
      this.#refusedAtMs = this.#options.clock.wallMs();
      logger.error('Configuration refused: the last good one stays in force', {
        reason: this.#refusal.message,
        field: this.#refusal.field,
      });
      return false;
    }
    this.#refusal = undefined;
    if (parsed.warning !== undefined && parsed.warning !== this.#lastWarning) logger.warn(parsed.warning);
    this.#lastWarning = parsed.warning ?? '';
    const text = JSON.stringify(parsed.configuration);
    if (text === JSON.stringify(this.#current)) return true;
    this.#writing = this.#writing.then(() => files.write(file, new TextEncoder().encode(text)));
    await this.#writing.catch((thrown: unknown) => {
      // A full disk must not keep a device from its new configuration; a restart asks Greengrass again.
      logger.error('The configuration cannot be kept on disk', { reason: messageOf(thrown) });
      this.#writing = Promise.resolve();
    });
    const before = this.#current;
    this.#current = parsed.configuration;
    logger.setLevel(parsed.configuration.logLevel);
    for (const listener of this.#listeners) listener(parsed.configuration, before);
    return true;
  }

  /** Something changed: reads everything once it has been quiet for {@link QUIET_MS}. */
  touched(read: () => Promise<unknown>): void {
    this.#cancelQuiet?.();
    this.#cancelQuiet = this.#options.clock.after(QUIET_MS, () => {
      read()
        .then((raw) => this.offer(raw))
        .catch((thrown: unknown) =>
          this.#options.logger.warn('The changed configuration cannot be read', {
            reason: messageOf(thrown),
          }),
        );
    });
  }

  close(): void {
    this.#cancelQuiet?.();
    this.#listeners.clear();
  }
}
