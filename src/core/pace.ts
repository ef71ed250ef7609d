import type { Clock } from './clock.js';

/** Says yes once in `everyMs` at the most: for what is looked at beside something that is looked at more often. */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #everyMs: number;
  #nextMs: number;

  /** The first time is `everyMs` from now. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#nextMs = clock.monotonicMs() + everyMs;
  }

  /** Whether its time has come; if so, the next one is `everyMs` from now. */
  isDue(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#everyMs;
    return true;
  }
}
