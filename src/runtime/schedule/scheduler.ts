import { deferred, EdgeError, endsWithin, Listeners, type Clock, type Deferred } from '../../core/mod.js';
import {
  arrive,
  EMPTY_QUEUE,
  finished,
  nextTurn,
  retryAfterMs,
  type ModelQueue,
  type QueueLimits,
  type Ticket,
  type Turn,
} from './model-queue.js';

/** What a caller waits for, until its turn or its refusal. */
interface Waiter {
  /** Milliseconds that the request waited. */
  readonly turn: Deferred<number>;
  /** Ends its timer, and its look at the caller. */
  readonly forget: () => void;
}

/** Who asks for a run, and until when. */
export interface Order {
  /** The component that asks: callers take turns. */
  readonly caller: string;
  /** Monotonic. */
  readonly deadlineMs: number;
  /** Aborts where nobody waits any more: it loses its place. */
  readonly signal?: AbortSignal;
}

/**
 * Bounded queues by key, on a clock, in which callers take turns. Every submitted request gets exactly one answer: its task's, or
 * RESOURCE_EXHAUSTED (queue full, with a retry hint), DEADLINE_EXCEEDED (never run), UNAVAILABLE (drained, or its caller
 * has gone).
 */
export class Scheduler {
  readonly #clock: Clock;
  readonly #limits: (key: string) => QueueLimits;
  readonly #queues = new Map<string, ModelQueue>();
  readonly #waiters = new Map<number, Waiter>();
  readonly #idle = new Listeners<[]>();
  #nextId = 1;
  #closed = false;

  /** @param limits asked at each decision, so that they may change while running */
  constructor(clock: Clock, limits: (key: string) => QueueLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Runs the task when it is its turn, never after the deadline.
   * @param task gets the milliseconds that the request waited; keeps its own deadline once it has begun
   */
  async submit<T>(key: string, order: Order, task: (queueMs: number) => Promise<T>): Promise<T> {
    if (this.#closed) throw stopping(key);
    const queueMs = await this.#turn(key, order);
    const begunMs = this.#clock.monotonicMs();
    let tookMs: number | undefined;
    try {
      const result = await task(queueMs);
      tookMs = this.#clock.monotonicMs() - begunMs;
      return result;
    } finally {
      this.#change(key, finished(this.#queue(key), order.caller, tookMs));
    }
  }

  #turn(key: string, order: Order): Promise<number> | number {
    const arrivedMs = this.#clock.monotonicMs();
    const { caller, deadlineMs } = order;
    const ticket: Ticket = { caller, deadlineMs, id: this.#nextId++, arrivedMs };
    const arrival = arrive(this.#queue(key), this.#limits(key), ticket, arrivedMs);
    switch (arrival.kind) {
      case 'late':
        throw late(key);
      case 'full':
        throw full(key, this.load(key).queued, arrival.retryAfterMs);
      case 'in': {
        const { turn, displaced } = arrival;
        const begins = turn.start.includes(ticket);
        const waits = begins ? 0 : this.#wait(key, ticket, order.signal);
        if (displaced !== undefined) {
          const { queue } = turn;
          const retryMs = retryAfterMs(queue, this.#limits(key));
          this.#refuse(displaced.id, full(key, queue.waiting.length, retryMs));
        }
        this.#take(key, turn, arrivedMs);
        return waits;
      }
    }
  }

  #wait(
    key: string,
    { id, arrivedMs, deadlineMs }: Ticket,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const turn = deferred<number>();
    const leave = (why: EdgeError): void => {
      this.#refuse(id, why);
      const now = this.#queue(key);
      this.#change(key, { ...now, waiting: now.waiting.filter((one) => one.id !== id) });
    };
    const onAbort = (): void => leave(gone(key));
    const cancelTimer = this.#clock.after(deadlineMs - arrivedMs, () => leave(late(key)));
    signal?.addEventListener('abort', onAbort, { once: true });
    const forget = (): void => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    };
    this.#waiters.set(id, { turn, forget });
    return turn.promise;
  }

  /** Takes a queue's new state, and starts or refuses whoever is due by it. */
  #change(key: string, changed: ModelQueue): void {
    const nowMs = this.#clock.monotonicMs();
    this.#take(key, nextTurn(changed, this.#limits(key), nowMs), nowMs);
    if (this.#busy()) return;
    this.#idle.tell();
    this.#idle.clear();
  }

  #take(key: string, { start, late: missed, queue }: Turn, nowMs: number): void {
    this.#queues.set(key, queue);
    for (const { id } of missed) this.#refuse(id, late(key));
    for (const { id, arrivedMs } of start) this.#called(id)?.turn.resolve(nowMs - arrivedMs);
  }

  #refuse(id: number, error: EdgeError): void {
    this.#called(id)?.turn.reject(error);
  }

  #called(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    waiter?.forget();
    return waiter;
  }

  #queue(key: string): ModelQueue {
    return this.#queues.get(key) ?? EMPTY_QUEUE;
  }

  #busy(): boolean {
    return [...this.#queues.values()].some(({ running }) => running.length > 0);
  }

  /** How many requests of this key run and wait. */
  load(key: string): { readonly running: number; readonly queued: number } {
    const { running, waiting } = this.#queue(key);
    return { running: running.length, queued: waiting.length };
  }

  /** All that have been asked for and are not forgotten. */
  get keys(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** Forgets a version that is gone for good; requests that still run or wait are not touched. */
  forget(key: string): void {
    const { running, waiting } = this.#queue(key);
    if (running.length === 0 && waiting.length === 0) this.#queues.delete(key);
  }

  /** Refuses what waits with UNAVAILABLE, and what comes. What runs goes on. */
  close(): void {
    this.#closed = true;
    for (const [key, queue] of this.#queues) {
      this.#queues.set(key, { ...queue, waiting: [] });
      for (const { id } of queue.waiting) this.#refuse(id, stopping(key));
    }
  }

  /** Closes, and waits until what runs has ended, at most so long. True where all has. */
  async drain(timeoutMs: number): Promise<boolean> {
    this.close();
    if (!this.#busy()) return true;
    const done = deferred<void>();
    const forget = this.#idle.add(() => done.resolve());
    const hasEnded = await endsWithin(this.#clock, timeoutMs, done.promise);
    forget();
    return hasEnded;
  }
}

function full(key: string, queued: number, retryMs: number): EdgeError {
  return new EdgeError('QUEUE_FULL', `Cannot queue the request as ${queued} wait for ${key} already`, {
    retryAfterMs: retryMs,
  });
}

function late(key: string): EdgeError {
  return new EdgeError('DEADLINE_BEFORE_RUN', `Cannot run ${key} as the deadline passed before its turn`);
}

function gone(key: string): EdgeError {
  return new EdgeError('CLOSED', `Cannot run ${key} as its caller waits no more`);
}

function stopping(key: string): EdgeError {
  return new EdgeError('AGENT_STOPPING', `Cannot run ${key} as the agent is stopping`, {
    retryAfterMs: 1000,
  });
}
