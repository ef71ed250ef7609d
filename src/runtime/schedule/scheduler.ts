import { deferred, EdgeError, endsWithin, Listeners, type Clock, type Deferred } from '../../core/mod.js';
import {
  admit,
  EMPTY_QUEUE,
  finished,
  nextTurn,
  type ModelQueue,
  type QueueLimits,
  type Ticket,
} from './model-queue.js';

/** What a caller waits for, until its turn or its refusal. */
interface Waiter {
  /** Milliseconds that the request waited. */
  readonly turn: Deferred<number>;
  readonly cancelTimer: () => void;
}

/**
 * Bounded queues by key, on a clock. Every submitted request gets exactly one answer: its task's, or
 * RESOURCE_EXHAUSTED (queue full, with a retry hint), DEADLINE_EXCEEDED (never run), UNAVAILABLE (drained).
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
   * @param deadlineMs monotonic
   * @param task gets the milliseconds that the request waited; keeps its own deadline once it has begun
   */
  async submit<T>(key: string, deadlineMs: number, task: (queueMs: number) => Promise<T>): Promise<T> {
    if (this.#closed) throw stopping(key);
    const queueMs = await this.#turn(key, deadlineMs);
    const begunMs = this.#clock.monotonicMs();
    let tookMs: number | undefined;
    try {
      const result = await task(queueMs);
      tookMs = this.#clock.monotonicMs() - begunMs;
      return result;
    } finally {
      this.#change(key, finished(this.#queue(key), tookMs));
    }
  }

  #turn(key: string, deadlineMs: number): Promise<number> | number {
    const arrivedMs = this.#clock.monotonicMs();
    const ticket: Ticket = { id: this.#nextId++, arrivedMs, deadlineMs };
    const queue = this.#queue(key);
    const reception = admit(queue, this.#limits(key), ticket, arrivedMs);
    switch (reception.kind) {
      case 'start':
        this.#queues.set(key, { ...queue, running: queue.running + 1 });
        return 0;
      case 'late':
        throw late(key);
      case 'full':
        throw new EdgeError(
          'QUEUE_FULL',
          `Cannot queue the request as ${queue.waiting.length} wait for ${key} already`,
          { retryAfterMs: reception.retryAfterMs },
        );
      case 'wait':
        return this.#wait(key, queue, ticket);
    }
  }

  #wait(key: string, queue: ModelQueue, ticket: Ticket): Promise<number> {
    const turn = deferred<number>();
    const cancelTimer = this.#clock.after(ticket.deadlineMs - ticket.arrivedMs, () => {
      this.#refuse(ticket.id, late(key));
      const now = this.#queue(key);
      this.#change(key, { ...now, waiting: now.waiting.filter(({ id }) => id !== ticket.id) });
    });
    this.#waiters.set(ticket.id, { turn, cancelTimer });
    this.#change(key, { ...queue, waiting: [...queue.waiting, ticket] });
    return turn.promise;
  }

  /** Takes a queue's new state, and starts or refuses whoever is due by it. */
  #change(key: string, changed: ModelQueue): void {
    const nowMs = this.#clock.monotonicMs();
    const { start, late: missed, queue } = nextTurn(changed, this.#limits(key), nowMs);
    this.#queues.set(key, queue);
    for (const { id } of missed) this.#refuse(id, late(key));
    for (const { id, arrivedMs } of start) this.#take(id)?.turn.resolve(nowMs - arrivedMs);
    if (this.#busy()) return;
    this.#idle.tell();
    this.#idle.clear();
  }

  #refuse(id: number, error: EdgeError): void {
    this.#take(id)?.turn.reject(error);
  }

  #take(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    waiter?.cancelTimer();
    return waiter;
  }

  #queue(key: string): ModelQueue {
    return this.#queues.get(key) ?? EMPTY_QUEUE;
  }

  #busy(): boolean {
    return [...this.#queues.values()].some(({ running }) => running > 0);
  }

  /** How many requests of this key run and wait. */
  load(key: string): { readonly running: number; readonly queued: number } {
    const { running, waiting } = this.#queue(key);
    return { running, queued: waiting.length };
  }

  /** All that have been asked for and are not forgotten. */
  get keys(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** Forgets a version that is gone for good; requests that still run or wait are not touched. */
  forget(key: string): void {
    const { running, waiting } = this.#queue(key);
    if (running === 0 && waiting.length === 0) this.#queues.delete(key);
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

function late(key: string): EdgeError {
  return new EdgeError('DEADLINE_BEFORE_RUN', `Cannot run ${key} as the deadline passed before its turn`);
}

function stopping(key: string): EdgeError {
  return new EdgeError('AGENT_STOPPING', `Cannot run ${key} as the agent is stopping`, {
    retryAfterMs: 1000,
  });
}
