import type { Clock } from '../core/mod.js';

export interface DeadlinePolicy {
  /** Time for a request whatever its size. */
  readonly timeoutMs: number;
  /** The slowest link that is still waited for; more time is given to larger bodies. */
  readonly leastBytesPerSecond: number;
}

export const DEFAULT_DEADLINE: DeadlinePolicy = { timeoutMs: 60_000, leastBytesPerSecond: 8 * 1024 };

export function deadlineMs(bytes: number, policy: DeadlinePolicy): number {
  return policy.timeoutMs + Math.ceil((bytes / policy.leastBytesPerSecond) * 1000);
}

/** Runs `work` with a signal that aborts with `outer`, or when the time is over. */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer.reason);
  if (outer.aborted) abort();
  outer.addEventListener('abort', abort, { once: true });
  const cancel = clock.after(ms, () => controller.abort(new Error(`No answer within ${ms} ms`)));
  try {
    return await work(controller.signal);
  } finally {
    cancel();
    outer.removeEventListener('abort', abort);
  }
}
