import type { Ticket } from './model-queue.js';

/** When a caller's last run began. */
export interface Turned {
  readonly caller: string;
  readonly atMs: number;
}

/** A caller that has run within this time is about: room is kept for its next request. */
const ABOUT_MS = 600_000;
/** Callers that are remembered; a caller can name itself anew each time. */
const MAX_CALLERS = 64;

/** Who has run lately. */
export interface Turns {
  /** Newest last. */
  readonly known: readonly Turned[];
  /** When a run of a caller that was new here last began. */
  readonly strangerMs: number;
}

export const NO_TURNS: Turns = { known: [], strangerMs: -Infinity };

/** The turns once this caller's run has begun. */
export function turned({ known, strangerMs }: Turns, caller: string, nowMs: number): Turns {
  const others = known.filter((one) => one.caller !== caller && nowMs - one.atMs < ABOUT_MS);
  return {
    known: [...others, { caller, atMs: nowMs }].slice(-MAX_CALLERS),
    strangerMs: known.some((one) => one.caller === caller) ? strangerMs : nowMs,
  };
}

/** What decides whose turn it is. */
export interface Claims {
  /** In order of arrival. */
  readonly waiting: readonly Ticket[];
  /** The callers of what runs, one entry a run. */
  readonly running: readonly string[];
  readonly turns: Turns;
}

/**
 * The request whose turn it is: that of the caller whose last run began longest ago. All that are new here have one
 * turn together, by their arrival, as a caller can name itself anew each time. While other callers are about, each has
 * one run in the host at most: whoever comes then waits there for one run, not for all that one caller has sent.
 */
export function fairest({ waiting, running, turns }: Claims, nowMs: number): Ticket | undefined {
  if (waiting.length === 0) return undefined;
  const last = new Map(turns.known.map(({ caller, atMs }) => [caller, atMs]));
  const about = turns.known.filter(({ atMs }) => nowMs - atMs < ABOUT_MS).map(({ caller }) => caller);
  const callers = new Set([...about, ...running, ...waiting.map(({ caller }) => caller)]);
  const since = ({ caller, arrivedMs }: Ticket): number =>
    last.get(caller) ?? Math.max(arrivedMs, turns.strangerMs);
  return waiting
    .filter(({ caller }) => callers.size === 1 || !running.includes(caller))
    .reduce<Ticket | undefined>(
      (best, one) => (best === undefined || since(one) < since(best) ? one : best),
      undefined,
    );
}

/**
 * Whose place in a full queue a caller's request takes: the youngest of whoever has most waiting, where that is more
 * than its own by two or more. A caller that has run here before and has nothing waiting takes that of one who has
 * not: made-up names can't fill the queue for the others.
 */
export function displacedBy({ waiting, turns }: Claims, caller: string): Ticket | undefined {
  const counts = new Map<string, number>();
  for (const one of waiting) counts.set(one.caller, (counts.get(one.caller) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  const own = counts.get(caller) ?? 0;
  if (most >= own + 2) return waiting.findLast((one) => counts.get(one.caller) === most);
  const known = new Set(turns.known.map((one) => one.caller));
  return own === 0 && known.has(caller) ? waiting.findLast((one) => !known.has(one.caller)) : undefined;
}
