import { toEdgeError, type Clock, type Logger } from '../core/mod.js';
import { KeptConfiguration } from '../fs/mod.js';
import type { DurableFiles } from '../disk/mod.js';
import { parseUploadConfig, type UploadConfig } from './config.js';

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

/** The uploader's configuration: none until there is a valid one. */
export class ConfigurationHolder {
  readonly #options: HolderOptions;
  readonly #kept: KeptConfiguration<UploadConfig>;

  constructor(options: HolderOptions) {
    this.#options = options;
    this.#kept = new KeptConfiguration({
      ...options,
      parse: (raw) => ({ configuration: parseUploadConfig(raw) }),
      apply: async (config) => await options.apply(config),
    });
  }

  /** Puts the configuration that Greengrass has in force, or the last good one where that is refused or out of reach. */
  async start(): Promise<void> {
    const { logger, read } = this.#options;
    const accepted = await read().then(
      async (raw) => await this.#kept.offer(raw),
      (thrown: unknown) => {
        logger.error('The configuration cannot be read', { reason: toEdgeError(thrown).message });
        return false;
      },
    );
    if (!accepted && (await this.#kept.restore())) logger.warn('The last good configuration is in force');
  }

  /** Something changed, or may have: reads everything once it has been quiet. */
  touched(): void {
    this.#kept.touched(this.#options.read);
  }

  async close(): Promise<void> {
    await this.#kept.close();
  }
}
