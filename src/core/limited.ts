import type { Clock } from './clock.js';

export interface Limit {
  readonly most: number;
  readonly windowMs: number;
}

/**
 * Passes on the first `most` values of each window, and none of the rest: for what others can cause as often as they
 * like. No timer runs: a window ends with the first value after it.
 * @param heldBack told how many were held back, once their window is over
 */
export function limited<T>(
  clock: Pick<Clock, 'monotonicMs'>,
  { most, windowMs }: Limit,
  pass: (value: T) => void,
  heldBack: (count: number) => void,
): (value: T) => void {
  let endsMs = -Infinity;
  let seen = 0;
  return (value) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= endsMs) {
      if (seen > most) heldBack(seen - most);
      endsMs = nowMs + windowMs;
      seen = 0;
    }
    seen++;
    if (seen <= most) pass(value);
  };
}
