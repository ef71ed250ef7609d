import type { Clock } from './clock.js';
import { deferred } from './deferred.js';
import { EdgeError } from './errors.js';

export interface WithinOptions {
  /** Made only where it is thrown. Default: DEADLINE_EXCEEDED that names the limit. */
  readonly late?: () => Error;
  /** The first that aborts ends the wait with its reason. */
  readonly signals?: readonly AbortSignal[];
}

/** Why the wait ended before the work. */
class Over {
  constructor(readonly why: () => Error) {}
}

/**
 * What `work` gives, waited for at most `limitMs`. The work itself goes on: its later result or failure is dropped.
 * The error is thrown here and not in a timer, so that its stack names who waited.
 * @throws what the work throws, `late()`, or the reason of the signal that aborted first
 */
export async function within<T>(
  clock: Clock,
  limitMs: number,
  work: Promise<T>,
  { late = () => tooLate(limitMs), signals = [] }: WithinOptions = {},
): Promise<T> {
  const first = await firstOf(clock, limitMs, work, late, signals);
  if (first instanceof Over) throw first.why();
  return first;
}

/**
 * Waits for `work` at most `limitMs`; it goes on where that is not enough.
 * @returns whether it has ended. Throws what it throws until then
 */
export async function endsWithin(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  return !((await firstOf(clock, limitMs, work, () => tooLate(limitMs), [])) instanceof Over);
}

async function firstOf<T>(
  clock: Clock,
  limitMs: number,
  work: Promise<T>,
  late: () => Error,
  signals: readonly AbortSignal[],
): Promise<T | Over> {
  const over = deferred<Over>();
  const cancel = clock.after(limitMs, () => over.resolve(new Over(late)));
  const onAbort = (): void => {
    const reason: unknown = signals.find(({ aborted }) => aborted)?.reason;
    over.resolve(
      new Over(() =>
        reason instanceof Error ? reason : new Error('The wait was aborted', { cause: reason }),
      ),
    );
  };
  for (const signal of signals) signal.addEventListener('abort', onAbort);
  if (signals.some(({ aborted }) => aborted)) onAbort();
  try {
    return await Promise.race([over.promise, work]);
  } finally {
    cancel();
    for (const signal of signals) signal.removeEventListener('abort', onAbort);
  }
}

function tooLate(limitMs: number): EdgeError {
  return new EdgeError('DEADLINE_EXCEEDED', `Cannot wait any longer: ${Math.round(limitMs)} ms have passed`);
}
