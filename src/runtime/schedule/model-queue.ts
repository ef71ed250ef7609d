import { displacedBy, fairest, NO_TURNS, turned, type Claims } from './fair-turns.js';

/** How many requests of one model may run at once, and how many may wait behind them. */
export interface QueueLimits {
  readonly concurrency: number;
  readonly capacity: number;
}

export interface Ticket {
  readonly id: number;
  /** The component that asks. */
  readonly caller: string;
  /** Monotonic, as `deadlineMs`. */
  readonly arrivedMs: number;
  readonly deadlineMs: number;
}

/** The queue of one model: values only, decided on by the functions of this file. */
export interface ModelQueue extends Claims {
  /** How long the last runs took, newest last. */
  readonly recentMs: readonly number[];
}

export const EMPTY_QUEUE: ModelQueue = { running: [], waiting: [], turns: NO_TURNS, recentMs: [] };

/** So many runs tell how long a run takes at least. */
const RECENT_RUNS = 8;
const DEFAULT_RETRY_MS = 100;

/** Which waiting requests start now, and which are answered without a run. */
export interface Turn {
  readonly start: readonly Ticket[];
  readonly late: readonly Ticket[];
  readonly queue: ModelQueue;
}

export type Arrival =
  | { readonly kind: 'late' }
  | { readonly kind: 'full'; readonly retryAfterMs: number }
  /** It is in, and starts with the turn or waits; `displaced` has lost its place to it. */
  | { readonly kind: 'in'; readonly turn: Turn; readonly displaced: Ticket | undefined };

/**
 * What becomes of a request that arrives. In a full queue it takes the place of whoever has most waiting: no caller
 * can fill the queue for the others.
 */
export function arrive(queue: ModelQueue, limits: QueueLimits, ticket: Ticket, nowMs: number): Arrival {
  if (ticket.deadlineMs <= nowMs) return { kind: 'late' };
  if (queue.running.length === 0 && queue.waiting.length === 0) {
    return {
      kind: 'in',
      turn: { start: [ticket], late: [], queue: begun(queue, ticket, nowMs) },
      displaced: undefined,
    };
  }
  const turn = nextTurn({ ...queue, waiting: [...queue.waiting, ticket] }, limits, nowMs);
  if (!turn.queue.waiting.includes(ticket) || turn.queue.waiting.length <= limits.capacity)
    return { kind: 'in', turn, displaced: undefined };
  const displaced = displacedBy(queue, ticket.caller);
  if (displaced === undefined) return { kind: 'full', retryAfterMs: retryAfterMs(queue, limits) };
  const waiting = [...queue.waiting.filter(({ id }) => id !== displaced.id), ticket];
  return { kind: 'in', turn: nextTurn({ ...queue, waiting }, limits, nowMs), displaced };
}

/**
 * Each caller in its turn, and one caller's requests as they came. A request that can't be done by its deadline, as
 * even the shortest of the last runs took longer than what is left, does not start: its answer would come too late,
 * and a run beyond its deadline costs the model its host. A host runs one after the other, so whoever would have to
 * wait there for others, with no time for that, waits here instead.
 */
export function nextTurn(before: ModelQueue, limits: QueueLimits, nowMs: number): Turn {
  const start: Ticket[] = [];
  const late: Ticket[] = [];
  let queue = before;
  while (queue.running.length < limits.concurrency) {
    const ticket = fairest(queue, nowMs);
    if (ticket === undefined) break;
    const { recentMs, running } = queue;
    const starts = fits(ticket, recentMs, running.length, nowMs);
    if (!starts && running.length > 0 && fits(ticket, recentMs, 0, nowMs)) break;
    const waiting = queue.waiting.filter(({ id }) => id !== ticket.id);
    if (starts) {
      start.push(ticket);
      queue = begun({ ...queue, waiting }, ticket, nowMs);
      continue;
    }
    late.push(ticket);
    // What was measured loses weight with each refusal, so that a slow time does not refuse for ever.
    queue = { ...queue, waiting, recentMs: recentMs.slice(1) };
  }
  return { start, late, queue };
}

/** A run has ended after `tookMs`; undefined where its time says nothing, as it failed. */
export function finished(queue: ModelQueue, caller: string, tookMs: number | undefined): ModelQueue {
  const recentMs = tookMs === undefined ? queue.recentMs : [...queue.recentMs, tookMs].slice(-RECENT_RUNS);
  return { ...queue, running: queue.running.toSpliced(queue.running.indexOf(caller), 1), recentMs };
}

function begun(queue: ModelQueue, { caller }: Ticket, nowMs: number): ModelQueue {
  return {
    ...queue,
    running: [...queue.running, caller],
    turns: turned(queue.turns, caller, nowMs),
  };
}

/** Whether the request can be done by its deadline, behind so many others in the host. */
function fits(ticket: Ticket, recentMs: readonly number[], ahead: number, nowMs: number): boolean {
  return ticket.deadlineMs - nowMs > shortestMs(recentMs) * (ahead + 1);
}

/** Zero until enough runs have been seen: the first ones include what is done only once. */
function shortestMs(recentMs: readonly number[]): number {
  return recentMs.length < RECENT_RUNS ? 0 : Math.min(...recentMs);
}

/** When it is worth to ask again, by what waits and how long runs took. */
export function retryAfterMs({ recentMs, waiting }: ModelQueue, { concurrency }: QueueLimits): number {
  if (recentMs.length === 0) return DEFAULT_RETRY_MS;
  const meanMs = recentMs.reduce((sum, ms) => sum + ms, 0) / recentMs.length;
  return Math.max(1, Math.ceil((meanMs * waiting.length) / concurrency));
}
