import {
  Listeners,
  messageOf,
  SerialQueue,
  toEdgeError,
  type Clock,
  type EdgeError,
  type Logger,
  type LogLevel,
} from '../../core/mod.js';
import type { DurableFiles } from '../../disk/mod.js';
import type { Parsed } from './parse.js';

/** Nucleus lite tells of a change once per leaf: wait until it is quiet, then read all. */
const QUIET_MS = 500;

export interface HeldConfigurationOptions<T, Initial> {
  /** Where the last good configuration is kept. */
  readonly file: string;
  readonly files: DurableFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In force until there is another, and kept nowhere. */
  readonly initial: Initial;
  /** Reads what an operator wrote, as a whole. Throws an EdgeError that names the key. */
  readonly parse: (raw: unknown) => Pick<Parsed<T>, 'configuration' | 'given' | 'warning'>;
  /**
   * Looks at what an operator wrote beside this machine and what was accepted before; the kept one is not asked again.
   * Throws an EdgeError that names the key; returns what the log should tell.
   */
  readonly check?: (configuration: T, accepted: T | Initial) => string;
}

/**
 * A component's configuration: a whole, valid one, or `Initial` until there is one. A refused change leaves it as it
 * was, also over restarts, since the last good one is kept on disk. Changes are taken one after the other; listeners
 * hear of each once, after it is on disk, where that has room.
 */
export class HeldConfiguration<T extends { readonly logLevel: LogLevel }, Initial = T> {
  readonly #options: HeldConfigurationOptions<T, Initial>;
  readonly #listeners = new Listeners<[now: T, before: T | Initial]>();
  readonly #verdicts = new Listeners<[refusal: EdgeError | undefined]>();
  readonly #turns = new SerialQueue();
  #current: T | Initial;
  #refusal: EdgeError | undefined;
  #refusedAtMs = 0;
  #lastWarning = '';
  #cancelQuiet: (() => void) | undefined;
  #closed = false;

  constructor(options: HeldConfigurationOptions<T, Initial>) {
    this.#options = options;
    this.#current = options.initial;
  }

  get current(): T | Initial {
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

  /** Calls back when a configuration that differs from the one before is in force. */
  onChange(listener: (now: T, before: T | Initial) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Calls back when what an operator wrote was put in force, or refused. */
  onVerdict(listener: (refusal: EdgeError | undefined) => void): () => void {
    return this.#verdicts.add(listener);
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
    this.#put(configuration);
    return true;
  }

  /** Puts a raw configuration in force, or refuses it as a whole. Never throws for what an operator wrote. */
  async offer(raw: unknown): Promise<boolean> {
    return await this.#turns.run(async () => {
      const isAccepted = await this.#take(raw);
      this.#verdicts.tell(this.#refusal);
      return isAccepted;
    });
  }

  /**
   * Puts in force what is read, or, where that is refused or out of reach and nothing else is in force, the last good
   * one. @throws what `read` throws
   */
  async start(read: () => Promise<unknown>): Promise<void> {
    let isAccepted = false;
    try {
      isAccepted = await this.offer(await read());
    } finally {
      if (!isAccepted) await this.#fallBack();
    }
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

  /** Takes no more changes and tells nobody; resolves when the one under way is through. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#verdicts.clear();
    this.#cancelQuiet?.();
    await this.#turns.idle();
  }

  /** What is in force, or else was when the process ended. */
  async #accepted(): Promise<T | Initial> {
    const { files, file, initial, parse } = this.#options;
    if (this.#current !== initial) return this.#current;
    try {
      const bytes = await files.read(file);
      return bytes === undefined
        ? initial
        : parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).configuration;
    } catch {
      // One that cannot be read was never accepted by this version; restoring it says so.
      return initial;
    }
  }

  async #fallBack(): Promise<void> {
    const { logger, initial } = this.#options;
    if (this.#current !== initial) return;
    if (await this.restore()) logger.warn('The last good configuration is in force');
  }

  /** Why this configuration would be refused; undefined where it would be put in force. Changes nothing. */
  async judge(raw: unknown): Promise<EdgeError | undefined> {
    const { parse, check } = this.#options;
    try {
      const { configuration } = parse(raw);
      check?.(configuration, await this.#accepted());
      return undefined;
    } catch (thrown) {
      return toEdgeError(thrown);
    }
  }

  async #take(raw: unknown): Promise<boolean> {
    const { logger, parse, check } = this.#options;
    let parsed;
    let concern = '';
    try {
      parsed = parse(raw);
      concern = check?.(parsed.configuration, await this.#accepted()) ?? '';
    } catch (thrown) {
      this.#refuse(toEdgeError(thrown));
      return false;
    }
    this.#refusal = undefined;
    const { configuration, given } = parsed;
    const warning = [parsed.warning ?? '', concern].filter((text) => text !== '').join('; ');
    if (warning !== '' && warning !== this.#lastWarning) logger.warn(warning);
    this.#lastWarning = warning;
    if (this.#closed || JSON.stringify(configuration) === JSON.stringify(this.#current)) return true;
    // Without our defaults: an older version, to which the device may go back, refuses keys that it does not know.
    await this.#keep(JSON.stringify(given));
    this.#put(configuration);
    return true;
  }

  #refuse(refusal: EdgeError): void {
    this.#refusal = refusal;
    this.#refusedAtMs = this.#options.clock.wallMs();
    const { message, field, nextStep } = refusal;
    this.#options.logger.error('Configuration refused: the last good one stays in force', {
      reason: message,
      field,
      nextStep,
    });
  }

  async #keep(text: string): Promise<void> {
    const { files, file, logger, parse } = this.#options;
    try {
      // What a restart could not read must not take the place of the last good one.
      parse(JSON.parse(text));
      await files.write(file, Buffer.from(text));
    } catch (thrown) {
      // A full disk must not keep a device from its new configuration; a restart asks Greengrass again.
      logger.warn('The configuration cannot be kept on disk', { reason: messageOf(thrown) });
    }
  }

  #put(configuration: T): void {
    const before = this.#current;
    this.#current = configuration;
    this.#options.logger.setLevel(configuration.logLevel);
    this.#listeners.tell(configuration, before);
  }
}
