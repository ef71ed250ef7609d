import { messageOf, SerialQueue, type Logger } from '../../core/mod.js';

/** One thing at a time, so that a segment is never settled, recovered and evicted at once. */
export class Housekeeping {
  readonly #turns = new SerialQueue();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await this.#turns.run(task);
    } catch (error) {
      this.#log.warn('Housekeeping of the spool failed', { cause: messageOf(error) });
      throw error;
    }
  }

  /** As {@link run}, where it is no matter to the caller what went wrong. */
  async try<T>(task: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await this.run(task);
    } catch {
      return otherwise;
    }
  }

  async idle(): Promise<void> {
    await this.#turns.idle();
  }
}
