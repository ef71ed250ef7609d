import type { Clock } from '../../core/mod.js';

interface Due {
  readonly atMs: number;
  readonly late: () => void;
}

/**
 * Deadlines of many requests by one timer, which moves only where one comes that ends before all others: requests of
 * equal patience, one after the other, set none.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Due>();
  #nextMs = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns ends it: `late` is not called from then on */
  add(atMs: number, late: () => void): () => void {
    const due = { atMs, late };
    this.#waiting.add(due);
    if (atMs < this.#nextMs) this.#wakeAt(atMs);
    return () => this.#waiting.delete(due);
  }

  close(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #wakeAt(atMs: number): void {
    this.#cancel?.();
    this.#nextMs = atMs;
    const delayMs = Math.max(0, atMs - this.#clock.monotonicMs());
    // What waits has a connection, or a try of one, that keeps the process.
    this.#cancel = this.#clock.after(delayMs, () => this.#wake(), { unref: true });
  }

  #wake(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#nextMs = Infinity;
    let earliestMs = Infinity;
    for (const due of this.#waiting) {
      if (due.atMs > nowMs) {
        earliestMs = Math.min(earliestMs, due.atMs);
        continue;
      }
      this.#waiting.delete(due);
      due.late();
    }
    if (earliestMs < this.#nextMs) this.#wakeAt(earliestMs);
  }
}
