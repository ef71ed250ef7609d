/**
 * Time as a port. Wall time may jump (1970 at boot, corrections), so durations and order come from `monotonicMs`.
 * The real clock stands in src/system; tests use {@link ManualClock}.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. */
  wallMs(): number;
  /** Milliseconds since an unknown start, fractions included; never goes back. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`, unless the returned function was called before. Does not keep the process alive if `unref`. */
  after(ms: number, callback: () => void, options?: { unref?: boolean }): () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #timers: { at: number; order: number; callback: () => void }[] = [];
  #order = 0;
  #rung = 0;

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Lets the wall clock jump, as NTP or a dead battery does; timers do not notice. */
  jumpWall(toMs: number): void {
    this.#wallMs = toMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#monotonicMs + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(asError(signal.reason));
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(asError(signal?.reason));
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** How many timers wait; tests use it to know that code has reached its sleep. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** How many timers have rung: each would wake a process. */
  get rung(): number {
    return this.#rung;
  }

  /** Moves time on, running due timers in order and letting promises settle between them. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonicMs + ms;
    await settle();
    for (;;) {
      const due = this.#timers
        .filter((timer) => timer.at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#move(due.at);
      this.#rung++;
      due.callback();
      await settle();
    }
    this.#move(until);
  }

  #move(to: number): void {
    this.#wallMs += to - this.#monotonicMs;
    this.#monotonicMs = to;
  }
}

async function settle(): Promise<void> {
  // Chains of a few awaits must reach their next timer before time moves.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The wait was aborted', { cause: reason });
}
