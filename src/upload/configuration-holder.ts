import { messageOf, toEdgeError, type Clock, type Logger } from '../core/mod.js';
import type { DurableFiles } from '../fs/mod.js';
import { parseUploadConfig, type UploadConfig } from './config.js';

/** Nucleus lite tells of a change once per leaf: wait until it is quiet, then read all. */
const QUIET_MS = 500;

export interface HolderOptions {
  /** Where the last good configuration is kept. */
  readonly file: string;
  readonly files: DurableFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Reads the component's effective configuration. */
  readonly read: () => Promise<unknown>;
  /** A valid configuration that differs from the one before is in force. */
  readonly apply: (config: UploadConfig) => Promise<void>;
}

/**
 * The configuration in force: a whole, valid one, or none yet. A refused change leaves it as it was, also over
 * restarts, since the last good one is kept on disk.
 */
export class ConfigurationHolder {
  readonly #options: HolderOptions;
  #inForce = '';
  #cancelQuiet: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: HolderOptions) {
    this.#options = options;
  }

  /** Puts the configuration that Greengrass has in force, or the last good one where that is refused or out of reach. */
  async start(): Promise<void> {
    if (!(await this.#readAndOffer())) await this.#offerKept();
  }

  /** Something changed, or may have: reads everything once it has been quiet. */
  touched(): void {
    this.#cancelQuiet?.();
    if (this.#closed) return;
    this.#cancelQuiet = this.#options.clock.after(QUIET_MS, () => {
      this.#turn = this.#turn.then(async () => {
        await this.#readAndOffer();
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelQuiet?.();
    await this.#turn;
  }

  async #readAndOffer(): Promise<boolean> {
    const { logger, read, files, file } = this.#options;
    let config;
    try {
      config = parseUploadConfig(await read());
    } catch (thrown) {
      const { message, field, nextStep } = toEdgeError(thrown);
      logger.error('Configuration refused: the last good one stays in force', {
        reason: message,
        field,
        nextStep,
      });
      return false;
    }
    if (this.#closed || JSON.stringify(config) === this.#inForce) return true;
    try {
      await files.write(file, Buffer.from(JSON.stringify(config)));
    } catch (thrown) {
      // A full disk must not keep a device from its new configuration; a restart asks Greengrass again.
      logger.warn('The configuration cannot be kept on disk', { reason: messageOf(thrown) });
    }
    await this.#apply(config);
    return true;
  }

  async #offerKept(): Promise<void> {
    const { logger, files, file } = this.#options;
    const bytes = await files.read(file);
    if (bytes === undefined) return;
    try {
      await this.#apply(parseUploadConfig(JSON.parse(Buffer.from(bytes).toString('utf8'))));
      logger.warn('The last good configuration is in force');
    } catch (thrown) {
      const aside = await files.setAside(file);
      logger.error('The kept configuration is damaged', { aside, reason: messageOf(thrown) });
    }
  }

  async #apply(config: UploadConfig): Promise<void> {
    this.#inForce = JSON.stringify(config);
    this.#options.logger.setLevel(config.logLevel);
    await this.#options.apply(config);
  }
}
