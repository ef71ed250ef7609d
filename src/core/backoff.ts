import type { Random } from './random.js';

/** Bounds of a full-jitter backoff. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * The delay before attempt `attempt` (1 = the first retry): uniform between 0 and
 * min(cap, base * 2^(attempt-1)), so that devices that failed together do not return together.
 */
export function fullJitterMs(attempt: number, { baseMs, capMs }: BackoffOptions, random: Random): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.floor(random.fraction() * ceiling);
}
