import { Listeners, type Clock, type Random } from '../core/mod.js';
import type { Failure } from './failure.js';
import { retryDelayMs, type RetryPolicy } from './schedule.js';

export interface GateOptions {
  readonly maxConcurrency: number;
  readonly policy: RetryPolicy;
  /** Window over which first attempts are spread after a start and after an outage; 0: none. */
  readonly spreadMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a permit came with; given back with the result. */
export interface Permit {
  readonly epoch: number;
}

/** Failures in a row from which a success counts as the end of an outage. */
const OUTAGE_FAILURES = 3;
/** After an outage the gaps between attempts start at this part of the window and shrink by GAP_SHRINK each. */
const FIRST_GAP = 0.08;
const GAP_SHRINK = 0.92;
const LEAST_GAP_MS = 5;

/**
 * Decides when a request may start, from the answers of all requests before it.
 *
 * - Healthy: up to `limit` at once; each success adds 1/limit, each throttle halves it (AIMD), to at most
 *   `maxConcurrency`. It starts at 1, so a store that refuses meets one request, not many.
 * - Failing: nobody enters before the backoff has passed, then one request alone probes. Requests that were
 *   in flight when the first failed do not count as further failures.
 * - Returning: the first attempt after a start, and all after an outage, are spread, so that a thousand devices
 *   that lost the store together do not meet it together.
 */
export class StoreGate {
  readonly #options: GateOptions;
  #limit = 1;
  #inFlight = 0;
  #failures = 0;
  #epoch = 0;
  #notBeforeMs: number;
  #gapMs = 0;
  #lastFailure: Failure | undefined;
  readonly #changes = new Listeners<[]>();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#notBeforeMs = options.clock.monotonicMs() + options.random.fraction() * options.spreadMs;
    this.#gapMs = options.spreadMs * FIRST_GAP;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The failure that holds everything back; undefined while the store takes objects. */
  get failure(): Failure | undefined {
    return this.#lastFailure;
  }

  /** The concurrency that the store's answers allow now. */
  get concurrency(): number {
    return this.#failures > 0 ? 1 : Math.max(1, Math.floor(this.#limit));
  }

  /** How long until somebody may enter, as far as time alone decides. */
  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#options.clock.monotonicMs());
  }

  /** Resolves when a request may start. Every permit must be given back by {@link leave}. Rejects on abort. */
  async enter(signal: AbortSignal): Promise<Permit> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#inFlight >= this.concurrency) await this.#change(signal);
      else if (this.waitMs > 0) await this.#options.clock.sleep(this.waitMs, signal);
      else break;
    }
    this.#inFlight++;
    this.#pace();
    return { epoch: this.#epoch };
  }

  /** Gives a permit back; `failure` only where it concerns the whole store. */
  leave(permit: Permit, failure?: Failure): void {
    this.#inFlight--;
    if (failure === undefined) this.#succeeded();
    else if (permit.epoch === this.#epoch) this.#failed(failure);
    else this.#obey(failure);
    this.#changes.tell();
  }

  /** Gives a permit back that says nothing of the store: the object's own trouble, or an abort. */
  abandon(): void {
    this.#inFlight--;
    this.#changes.tell();
  }

  #succeeded(): void {
    const { spreadMs, maxConcurrency } = this.#options;
    if (this.#failures >= OUTAGE_FAILURES) {
      this.#gapMs = spreadMs * FIRST_GAP;
      this.#pace();
    }
    this.#failures = 0;
    this.#lastFailure = undefined;
    this.#limit = Math.min(maxConcurrency, this.#limit + 1 / this.#limit);
  }

  #failed(failure: Failure): void {
    const { clock, policy, random } = this.#options;
    this.#failures++;
    this.#epoch++;
    this.#lastFailure = failure;
    this.#limit = Math.max(1, this.#limit / 2);
    this.#notBeforeMs = clock.monotonicMs() + retryDelayMs(failure, this.#failures, policy, random);
  }

  #obey(failure: Failure): void {
    const asked = this.#options.clock.monotonicMs() + (failure.retryAfterMs ?? 0);
    this.#notBeforeMs = Math.max(this.#notBeforeMs, asked);
  }

  #pace(): void {
    if (this.#gapMs < LEAST_GAP_MS) return;
    const { clock, random } = this.#options;
    this.#notBeforeMs = clock.monotonicMs() + 2 * random.fraction() * this.#gapMs;
    this.#gapMs *= GAP_SHRINK;
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        forget();
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      const forget = this.#changes.add(done);
    });
  }
}
