import type { Clock, Logger } from '../../core/mod.js';

const FIRST_MS = 60_000;
/** A device whose nucleus is away for weeks must not fill its flash. */
const MOST_MS = 3_600_000;

/** Says aloud that nothing reaches the component: after a minute, then after twice as long each time, up to an hour. */
export class Deafness {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #sinceMs: number | undefined;
  #totalMs = 0;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Over all that are over. */
  get totalSeconds(): number {
    return Math.round(this.#totalMs / 1000);
  }

  begin(): void {
    this.end();
    this.#sinceMs = this.#clock.monotonicMs();
    this.#say(FIRST_MS);
  }

  /** @returns how long it was, in whole seconds */
  end(): number {
    this.#cancel();
    const seconds = this.#seconds();
    if (this.#sinceMs !== undefined) this.#totalMs += this.#clock.monotonicMs() - this.#sinceMs;
    this.#sinceMs = undefined;
    return seconds;
  }

  #say(afterMs: number): void {
    const say = (): void => {
      this.#logger.error('Greengrass IPC is away: nothing reaches this component', {
        deafSeconds: this.#seconds(),
        nextStep: 'Look at the log of the nucleus; restart it, or this component, where it stays so',
      });
      this.#say(Math.min(MOST_MS, afterMs * 2));
    };
    this.#cancel = this.#clock.after(afterMs, say, { unref: true });
  }

  #seconds(): number {
    return this.#sinceMs === undefined ? 0 : Math.round((this.#clock.monotonicMs() - this.#sinceMs) / 1000);
  }
}
