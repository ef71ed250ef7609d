import { Listeners, type Clock } from '../core/mod.js';
import type { UploadOrder } from './segment-source.js';

/**
 * Which segment comes next. Holds names only, so a backlog of a hundred thousand costs some megabytes. A segment
 * that failed waits out its own backoff while the others go on.
 */
export class SegmentQueue {
  readonly #order: UploadOrder;
  readonly #clock: Clock;
  /** The most wanted first. */
  #waiting: string[] = [];
  readonly #taken = new Set<string>();
  readonly #notBeforeMs = new Map<string, number>();
  /** Refused for what may be their own fault: the others tell whose it is, so these come after them. */
  readonly #suspects = new Set<string>();
  /** Done since the scan that is under way began: its listing may still name them. */
  readonly #justFinished = new Set<string>();
  readonly #changes = new Listeners<[]>();

  constructor(order: UploadOrder, clock: Clock) {
    this.#order = order;
    this.#clock = clock;
  }

  /** Segments that have no receipt yet, those being uploaded included. */
  get size(): number {
    return this.#waiting.length + this.#taken.size;
  }

  has(segment: string): boolean {
    return this.#taken.has(segment) || this.#waiting.includes(segment);
  }

  /** To be called before a listing is made for {@link replace}. */
  beginScan(): void {
    this.#justFinished.clear();
  }

  /** The truth of a scan: what is not listed (evicted, or finished) is forgotten. */
  replace(listed: readonly string[]): void {
    this.#waiting = listed.filter((name) => !this.#taken.has(name) && !this.#justFinished.has(name));
    const known = this.#notBeforeMs.size === 0 ? undefined : new Set(this.#waiting);
    for (const name of this.#notBeforeMs.keys()) if (known?.has(name) !== true) this.#forget(name);
    this.#changes.tell();
  }

  /** A notice: the newest segment. The next scan puts it in its place. */
  add(segment: string): void {
    if (this.has(segment)) return;
    if (this.#order === 'oldest-first') this.#waiting.push(segment);
    else this.#waiting.unshift(segment);
    this.#changes.tell();
  }

  /** Resolves with the next segment that may be tried; it is the caller's until {@link release} or {@link finish}. */
  async take(signal: AbortSignal): Promise<string> {
    for (;;) {
      signal.throwIfAborted();
      const at = this.#next();
      const segment = at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
      if (segment !== undefined) {
        this.#taken.add(segment);
        return segment;
      }
      await this.#changed(signal);
    }
  }

  /**
   * Gives a segment back, not to be tried for `delayMs`.
   * @param suspect whether it was refused for what may be its own fault: then others that may be tried go before it
   */
  release(segment: string, delayMs: number, suspect = false): void {
    this.#taken.delete(segment);
    if (suspect) this.#suspects.add(segment);
    else this.#suspects.delete(segment);
    this.#notBeforeMs.set(segment, this.#clock.monotonicMs() + delayMs);
    this.#waiting.unshift(segment);
    this.#changes.tell();
  }

  /** The segment is done, or gone. */
  finish(segment: string): void {
    this.#taken.delete(segment);
    this.#justFinished.add(segment);
    this.#forget(segment);
  }

  #forget(segment: string): void {
    this.#notBeforeMs.delete(segment);
    this.#suspects.delete(segment);
  }

  #next(): number {
    const nowMs = this.#clock.monotonicMs();
    const isReady = (name: string): boolean => (this.#notBeforeMs.get(name) ?? 0) <= nowMs;
    const first = this.#waiting.findIndex((name) => isReady(name) && !this.#suspects.has(name));
    return first >= 0 || this.#suspects.size === 0 ? first : this.#waiting.findIndex(isReady);
  }

  /** Resolves at the next change, or when the first backoff is over. Rejects on abort. */
  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        cancel?.();
        forget();
        signal.removeEventListener('abort', done);
        if (signal.aborted) reject(signal.reason instanceof Error ? signal.reason : new Error('Aborted'));
        else resolve();
      };
      const soonest = this.#waiting.reduce(
        (least, name) => Math.min(least, this.#notBeforeMs.get(name) ?? Infinity),
        Infinity,
      );
      const waitMs = soonest - this.#clock.monotonicMs();
      const cancel = Number.isFinite(waitMs) ? this.#clock.after(waitMs, done) : undefined;
      signal.addEventListener('abort', done, { once: true });
      const forget = this.#changes.add(done);
    });
  }
}
