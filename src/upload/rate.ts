import type { Clock } from '../core/mod.js';

/** A pause of up to this long, such as a slow disk makes, is made up for. */
const BURST_MS = 1_000;

/**
 * A cap on bytes per second. A request larger than what is there goes into debt and waits it off before it
 * starts, so any size passes and the average holds; undefined: no cap.
 */
export class RateLimit {
  readonly #bytesPerSecond: number | undefined;
  readonly #clock: Clock;
  #tokens = 0;
  #atMs: number;

  constructor(bytesPerSecond: number | undefined, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  /** Resolves when `bytes` may be sent. Rejects on abort; the bytes count as sent all the same. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const rate = this.#bytesPerSecond;
    if (rate === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const most = (rate * BURST_MS) / 1000;
    this.#tokens = Math.min(most, this.#tokens + ((nowMs - this.#atMs) * rate) / 1000) - bytes;
    this.#atMs = nowMs;
    if (this.#tokens < 0) await this.#clock.sleep((-this.#tokens / rate) * 1000, signal);
  }
}
