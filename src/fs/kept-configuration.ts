import {
  messageOf,
  SerialQueue,
  toEdgeError,
  type Clock,
  type EdgeError,
  type Logger,
  type LogLevel,
} from '../core/mod.js';
import type { DurableFiles } from '../disk/mod.js';

/** Nucleus lite tells of a change once per leaf: wait until it is quiet, then read all. */
const QUIET_MS = 500;

export interface KeptConfigurationOptions<T> {
  /** Where the last good configuration is kept. */
  readonly file: string;
  readonly files: DurableFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In force until there is another, and kept nowhere. */
  readonly initial?: T;
  /** Reads what an operator wrote, as a whole. Throws an EdgeError that names the key. */
  readonly parse: (raw: unknown) => { readonly configuration: T; readonly warning?: string };
  /** A valid configuration that differs from the one before is in force, and on disk where that has room. */
  readonly apply: (now: T, before: T | undefined) => Promise<void> | void;
}

/**
 * A component's configuration: a whole, valid one, or none yet. A refused change leaves it as it was, also over
 * restarts, since the last good one is kept on disk. Changes are taken one after the other.
 */
export class KeptConfiguration<T extends { readonly logLevel: LogLevel }> {
  readonly #options: KeptConfigurationOptions<T>;
  #current: T | undefined;
  #refusal: EdgeError | undefined;
  #refusedAtMs = 0;
  #lastWarning = '';
  #cancelQuiet: (() => void) | undefined;
  readonly #turns = new SerialQueue();
  #closed = false;

  constructor(options: KeptConfigurationOptions<T>) {
    this.#options = options;
    this.#current = options.initial;
  }

  get current(): T | undefined {
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

  /** Puts the last good one of this device in force. False where there is none; a damaged one is set aside. */
  async restore(): Promise<boolean> {
    const { files, file, logger, parse } = this.#options;
    const bytes = await files.read(file);
    if (bytes === undefined) return false;
    let configuration;
    try {
      ({ configuration } = parse(JSON.parse(Buffer.from(bytes).toString('utf8'))));
    } catch (thrown) {
      const aside = await files.setAside(file);
      logger.error('The kept configuration is damaged', { aside, reason: messageOf(thrown) });
      return false;
    }
    await this.#apply(configuration);
    return true;
  }

  /** Puts a raw configuration in force, or refuses it as a whole. Never throws for what an operator wrote. */
  async offer(raw: unknown): Promise<boolean> {
    return await this.#turns.run(() => this.#take(raw));
  }

  /** Something changed, or may have: reads everything once it has been quiet for {@link QUIET_MS}. */
  touched(read: () => Promise<unknown>): void {
    this.#cancelQuiet?.();
    if (this.#closed) return;
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

  /** Takes no more changes; resolves when the one under way is through. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelQuiet?.();
    await this.#turns.idle();
  }

  async #take(raw: unknown): Promise<boolean> {
    const { logger, files, file, clock, parse } = this.#options;
    let parsed;
    try {
      parsed = parse(raw);
    } catch (thrown) {
      this.#refusal = toEdgeError(thrown);
      this.#refusedAtMs = clock.wallMs();
      const { message, field, nextStep } = this.#refusal;
      logger.error('Configuration refused: the last good one stays in force', {
        reason: message,
        field,
        nextStep,
      });
      return false;
    }
    this.#refusal = undefined;
    const { configuration, warning = '' } = parsed;
    if (warning !== '' && warning !== this.#lastWarning) logger.warn(warning);
    this.#lastWarning = warning;
    const text = JSON.stringify(configuration);
    if (this.#closed || text === JSON.stringify(this.#current)) return true;
    try {
      await files.write(file, Buffer.from(text));
    } catch (thrown) {
      // A full disk must not keep a device from its new configuration; a restart asks Greengrass again.
      logger.warn('The configuration cannot be kept on disk', { reason: messageOf(thrown) });
    }
    await this.#apply(configuration);
    return true;
  }

  async #apply(configuration: T): Promise<void> {
    const before = this.#current;
    this.#current = configuration;
    this.#options.logger.setLevel(configuration.logLevel);
    await this.#options.apply(configuration, before);
  }
}
