import type { Clock } from './clock.js';
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
export function fullJitterMs(attempt: number, backoff: BackoffOptions, random: Random): number {
  return Math.floor(random.fraction() * ceilingMs(attempt, backoff));
}

function ceilingMs(attempt: number, { baseMs, capMs }: BackoffOptions): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
}

export interface RetryOptions extends BackoffOptions {
  readonly clock: Clock;
  /** Absent: no jitter, each pause is its ceiling. Only for one who tries alone, such as a person's command. */
  readonly random?: Random;
  /** Waited before every further try, on top of the jitter. Default 0. */
  readonly leastMs?: number;
  /** Tries in all. Default: without end. */
  readonly maxTries?: number;
  /** Monotonic; no try begins then or later. Default: never. */
  readonly endsAtMs?: number;
  /** Ends the waiting and all further tries, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whether a further try can help. */
  readonly worth: (thrown: unknown) => boolean;
  /** There is a further try, after `delayMs`. */
  readonly onPause?: (pause: {
    readonly thrown: unknown;
    /** Of the try that failed, from 1. */
    readonly attempt: number;
    readonly delayMs: number;
  }) => void;
}

/**
 * What the first try that succeeds gives.
 * @param act gets the number of the try, from 1
 * @throws what the last try threw, or the signal's reason
 */
export async function retry<T>(act: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, random, leastMs = 0, maxTries = Infinity, endsAtMs = Infinity, signal } = options;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await act(attempt);
    } catch (thrown) {
      const pauseMs =
        random === undefined ? ceilingMs(attempt, options) : fullJitterMs(attempt, options, random);
      const delayMs = leastMs + pauseMs;
      const isLast = attempt >= maxTries || clock.monotonicMs() + delayMs >= endsAtMs;
      if (isLast || !options.worth(thrown)) throw thrown;
      options.onPause?.({ thrown, attempt, delayMs });
      await clock.sleep(delayMs, signal);
    }
  }
}
