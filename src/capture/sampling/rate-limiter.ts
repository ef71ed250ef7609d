import type { RateLimit } from './policies.js';

interface Window {
  readonly lengthMs: number;
  readonly limit: number;
  startMs: number;
  used: number;
}

/** Fixed windows on monotonic time; a capture counts in all of them or in none. */
export class RateLimiter {
  readonly #windows: Window[] = [];

  constructor(limit: RateLimit | undefined) {
    const add = (lengthMs: number, allowed: number | undefined): void => {
      if (allowed !== undefined) {
        this.#windows.push({ lengthMs, limit: allowed, startMs: Number.NEGATIVE_INFINITY, used: 0 });
      }
    };
    add(60_000, limit?.perMinute);
    add(3_600_000, limit?.perHour);
    add(86_400_000, limit?.perDay);
  }

  take(nowMs: number): boolean {
    for (const window of this.#windows) {
      if (nowMs - window.startMs >= window.lengthMs) {
        window.startMs = nowMs;
        window.used = 0;
      }
      if (window.used >= window.limit) return false;
    }
    for (const window of this.#windows) window.used += 1;
    return true;
  }
}
