import type { Logger } from '../../core/mod.js';

/** Whether the disk takes what is written to it. */
export class DiskHealth {
  readonly #log: Logger;
  #sickness: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A sentence while it is sick. */
  get sickness(): string | undefined {
    return this.#sickness;
  }

  failed(reason: string): void {
    if (this.#sickness === undefined) this.#log.error('The spool meets a sick disk', { cause: reason });
    this.#sickness = reason;
  }

  worked(): void {
    this.#sickness = undefined;
  }
}
