/** How many requests of one model may run at once, and how many may wait behind them. */
export interface QueueLimits {
  readonly concurrency: number;
  readonly capacity: number;
}

export interface Ticket {
  readonly id: number;
  readonly arrivedMs: number;
  /** Monotonic. */
  readonly deadlineMs: number;
}

/** The queue of one model: values only, decided on by the functions of this file. */
export interface ModelQueue {
  readonly running: number;
  /** In order of arrival. */
  readonly waiting: readonly Ticket[];
  /** How long the last runs took, newest last. */
  readonly recentMs: readonly number[];
}

export const EMPTY_QUEUE: ModelQueue = { running: 0, waiting: [], recentMs: [] };

/** So many runs tell how long a run takes at least. */
const RECENT_RUNS = 8;
const DEFAULT_RETRY_MS = 100;

export type Reception =
  { readonly kind: 'start' | 'wait' | 'late' } | { readonly kind: 'full'; readonly retryAfterMs: number };

/** What becomes of a request that arrives. */
export function admit(queue: ModelQueue, limits: QueueLimits, ticket: Ticket, nowMs: number): Reception {
  if (ticket.deadlineMs <= nowMs) return { kind: 'late' };
  const free = queue.running < limits.concurrency && queue.waiting.length === 0;
  if (free && (queue.running === 0 || fits(ticket, queue.recentMs, queue.running, nowMs)))
    return { kind: 'start' };
  if (queue.waiting.length >= limits.capacity)
    return { kind: 'full', retryAfterMs: retryAfterMs(queue, limits) };
  return { kind: 'wait' };
}

/** Which waiting requests start now, and which are answered without a run. */
export interface Turn {
  readonly start: readonly Ticket[];
  readonly late: readonly Ticket[];
  readonly queue: ModelQueue;
}

/**
 * First come, first served. A request that can't be done by its deadline, as even the shortest of the last runs
 * took longer than what is left, does not start: its answer would come too late, and a run beyond its deadline
 * costs the model its host. A host runs one after the other, so whoever would have to wait there for others, with
 * no time for that, waits here instead.
 */
export function nextTurn(queue: ModelQueue, limits: QueueLimits, nowMs: number): Turn {
  const start: Ticket[] = [];
  const late: Ticket[] = [];
  const waiting = [...queue.waiting];
  let { recentMs } = queue;
  while (waiting.length > 0 && queue.running + start.length < limits.concurrency) {
    const [ticket] = waiting;
    if (ticket === undefined) break;
    const ahead = queue.running + start.length;
    const starts = fits(ticket, recentMs, ahead, nowMs);
    if (!starts && ahead > 0 && fits(ticket, recentMs, 0, nowMs)) break;
    waiting.shift();
    if (starts) {
      start.push(ticket);
      continue;
    }
    late.push(ticket);
    // What was measured loses weight with each refusal, so that a slow time does not refuse for ever.
    recentMs = recentMs.slice(1);
  }
  return { start, late, queue: { running: queue.running + start.length, waiting, recentMs } };
}

/** A run has ended after `tookMs`; undefined where its time says nothing, as it failed. */
export function finished(queue: ModelQueue, tookMs: number | undefined): ModelQueue {
  const recentMs = tookMs === undefined ? queue.recentMs : [...queue.recentMs, tookMs].slice(-RECENT_RUNS);
  return { ...queue, running: queue.running - 1, recentMs };
}

/** Whether the request can be done by its deadline, behind so many others in the host. */
function fits(ticket: Ticket, recentMs: readonly number[], ahead: number, nowMs: number): boolean {
  return ticket.deadlineMs - nowMs > shortestMs(recentMs) * (ahead + 1);
}

/** Zero until enough runs have been seen: the first ones include what is done only once. */
function shortestMs(recentMs: readonly number[]): number {
  return recentMs.length < RECENT_RUNS ? 0 : Math.min(...recentMs);
}

function retryAfterMs({ recentMs, waiting }: ModelQueue, { concurrency }: QueueLimits): number {
  if (recentMs.length === 0) return DEFAULT_RETRY_MS;
  const meanMs = recentMs.reduce((sum, ms) => sum + ms, 0) / recentMs.length;
  return Math.max(1, Math.ceil((meanMs * waiting.length) / concurrency));
}
