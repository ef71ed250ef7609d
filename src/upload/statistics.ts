import type { Clock, Logger } from '../core/mod.js';
import type { Failure, FailureClass } from './failure.js';
import type { SettledObject } from './segment-source.js';

/** Counters since the uploader started, and where it stands. */
export interface UploadStatus {
  readonly pendingSegments: number;
  readonly inFlight: number;
  readonly deliveredObjects: number;
  readonly deliveredRecords: number;
  readonly deliveredBytes: number;
  /** Objects that were in the store already: the answer to an earlier put was lost. */
  readonly alreadyThere: number;
  readonly refusedObjects: number;
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  /** Wall time of the last confirmed object. */
  readonly lastSuccessMs?: number;
  /** Nothing was confirmed for longer than twice a request's deadline although segments wait. */
  readonly stalled: boolean;
  /** What holds uploads back now. */
  readonly reason?: string;
}

const SUMMARY_PERIOD_MS = 60_000;
/** A failure that repeats is logged this often only: an outage of days must not fill the log. */
const SAME_FAILURE_PERIOD_MS = 300_000;

/** Counts, and tells people: failures as they change, a stall as soon as it is one, a summary a minute. */
export class UploadStatistics {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stallAfterMs: number;
  readonly #failures: Partial<Record<FailureClass, number>> = {};
  #objects = 0;
  #records = 0;
  #bytes = 0;
  #alreadyThere = 0;
  #refused = 0;
  #lastSuccessMs: number | undefined;
  #progressAtMs: number;
  #stalled = false;
  #told: { readonly reason: string; readonly atMs: number } | undefined;
  #summary = '';

  /** @param stallAfterMs a silence of this long, while segments wait, is a stall */
  constructor(clock: Clock, logger: Logger, stallAfterMs: number) {
    this.#clock = clock;
    this.#logger = logger;
    this.#stallAfterMs = stallAfterMs;
    this.#progressAtMs = clock.monotonicMs();
  }

  confirmed(sentBytes: number, outcome: 'stored' | 'exists'): void {
    this.#objects++;
    this.#bytes += sentBytes;
    if (outcome === 'exists') this.#alreadyThere++;
    this.#lastSuccessMs = this.#clock.wallMs();
    this.#progressAtMs = this.#clock.monotonicMs();
    if (this.#stalled || this.#told !== undefined) this.#logger.info('Uploads go on');
    this.#stalled = false;
    this.#told = undefined;
  }

  finished(objects: readonly SettledObject[]): void {
    for (const object of objects) {
      if (object.result === 'delivered') this.#records += object.captureIds.length;
      else {
        this.#refused++;
        this.#logger.error('The store refuses an object for good', {
          key: object.key,
          reason: object.reason,
        });
      }
    }
  }

  failed(failure: Failure): void {
    this.#failures[failure.class] = (this.#failures[failure.class] ?? 0) + 1;
    const nowMs = this.#clock.monotonicMs();
    const same = this.#told?.reason === failure.reason && nowMs - this.#told.atMs < SAME_FAILURE_PERIOD_MS;
    if (same) return;
    this.#told = { reason: failure.reason, atMs: nowMs };
    this.#logger.warn('An upload failed and will be tried again', {
      class: failure.class,
      reason: failure.reason,
    });
  }

  status(pendingSegments: number, inFlight: number, failure: Failure | undefined): UploadStatus {
    return {
      pendingSegments,
      inFlight,
      deliveredObjects: this.#objects,
      deliveredRecords: this.#records,
      deliveredBytes: this.#bytes,
      alreadyThere: this.#alreadyThere,
      refusedObjects: this.#refused,
      failures: { ...this.#failures },
      stalled: this.#stalled,
      ...(this.#lastSuccessMs === undefined ? {} : { lastSuccessMs: this.#lastSuccessMs }),
      ...(failure === undefined ? {} : { reason: failure.reason }),
    };
  }

  /** Looks for a stall, and logs a summary where something changed, until `signal` aborts. */
  async watch(pending: () => number, signal: AbortSignal): Promise<void> {
    const periodMs = Math.min(SUMMARY_PERIOD_MS, this.#stallAfterMs / 4);
    let summaryAtMs = this.#clock.monotonicMs();
    for (;;) {
      await this.#clock.sleep(periodMs, signal);
      const nowMs = this.#clock.monotonicMs();
      // With nothing to do there is no stall; the silence counts from the first segment that waits.
      if (pending() === 0) this.#progressAtMs = nowMs;
      this.#checkStall(pending(), nowMs);
      if (nowMs - summaryAtMs < SUMMARY_PERIOD_MS) continue;
      summaryAtMs = nowMs;
      this.#logSummary(pending());
    }
  }

  #checkStall(pending: number, nowMs: number): void {
    if (this.#stalled || nowMs - this.#progressAtMs < this.#stallAfterMs) return;
    this.#stalled = true;
    const silentMs = Math.round(nowMs - this.#progressAtMs);
    this.#logger.error('Uploads are stalled', { pending, silentMs, reason: this.#told?.reason });
  }

  #logSummary(pending: number): void {
    const { lastSuccessMs, ...counts } = this.status(pending, 0, undefined);
    const text = JSON.stringify(counts);
    if (text === this.#summary) return;
    this.#summary = text;
    const lastSuccess = lastSuccessMs === undefined ? undefined : new Date(lastSuccessMs).toISOString();
    this.#logger.info('Uploads', { ...counts, lastSuccess });
  }
}
