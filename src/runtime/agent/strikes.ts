import type { Clock } from '../../core/mod.js';

export interface StrikeRules {
  /** So many cost nothing. */
  readonly free: number;
  /** What the next one costs; each further one costs twice as much, up to `capMs`. */
  readonly baseMs: number;
  readonly capMs: number;
  /** After a wait and so much quiet, all is forgotten. */
  readonly forgetMs: number;
  /** So many keys are remembered; the one that was quiet longest goes. */
  readonly most: number;
}

interface Standing {
  readonly count: number;
  readonly untilMs: number;
}

/** How long whoever did harm again and again must wait: longer each time, in bounded memory. */
export class Strikes {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #rules: StrikeRules;
  /** The one that was quiet longest first. */
  readonly #standings = new Map<string, Standing>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, rules: StrikeRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** @returns milliseconds to wait from now */
  add(key: string): number {
    const { free, baseMs, capMs, forgetMs, most } = this.#rules;
    const nowMs = this.#clock.monotonicMs();
    const former = this.#standings.get(key);
    const count = former === undefined || nowMs - former.untilMs > forgetMs ? 1 : former.count + 1;
    const waitMs = count <= free ? 0 : Math.min(capMs, baseMs * 2 ** Math.min(count - free - 1, 30));
    this.#standings.delete(key);
    this.#standings.set(key, { count, untilMs: nowMs + waitMs });
    const [oldest] = this.#standings.keys();
    if (this.#standings.size > most && oldest !== undefined) this.#standings.delete(oldest);
    return waitMs;
  }

  /** Milliseconds that are left to wait; 0: none. */
  waitMs(key: string): number {
    const untilMs = this.#standings.get(key)?.untilMs ?? 0;
    return Math.max(0, Math.ceil(untilMs - this.#clock.monotonicMs()));
  }
}
