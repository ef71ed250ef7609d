import { EdgeError, fullJitterMs, messageOf, type Clock, type Logger, type Random } from '../core/mod.js';
import { DEFAULT_DEADLINE, type DeadlinePolicy } from './deadline.js';
import type { Failure } from './failure.js';
import { StoreGate } from './gate.js';
import { GuardedPut } from './guarded-put.js';
import type { ObjectStore } from './object-store.js';
import { RateLimit } from './rate.js';
import { Refusals } from './refusals.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './schedule.js';
import { SegmentQueue } from './segment-queue.js';
import type { ClaimedSegment, SegmentSource, SettledObject, UploadOrder } from './segment-source.js';
import {
  newProgress,
  settledRecords,
  uploadSegment,
  type PassContext,
  type SegmentProgress,
} from './segment-upload.js';
import { UploadStatistics, type UploadStatus } from './statistics.js';

export interface UploaderOptions {
  readonly source: SegmentSource;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Requests at once, at most; fewer while the store throttles. Default 4. */
  readonly maxConcurrency?: number;
  /** Default: no cap. */
  readonly maxBytesPerSecond?: number;
  readonly gzip?: boolean;
  /** Default oldest-first. */
  readonly order?: UploadOrder;
  /** Window for the first attempts after a start or an outage. Default 60 s. */
  readonly spreadMs?: number;
  /** How often the spool is scanned for segments whose notice was lost. Default 30 s. */
  readonly scanPeriodMs?: number;
  /** Uploads begin only this often (`Disk` with periodic upload); absent: as segments close. */
  readonly uploadPeriodMs?: number;
  readonly retry?: RetryPolicy;
  readonly deadline?: DeadlinePolicy;
  /** A receipt was written. */
  readonly onReceipt?: (segment: string, objects: readonly SettledObject[]) => void;
  /** Uploads hang although connections were made anew: only a new process may help. */
  readonly onStuck?: () => void;
}

/** A disk that is slower than the store holds the uploads back. */
const MAX_RECEIPTS = 16;
/** Puts in a row that must hang before the component counts as failed. */
const STUCK_LIMIT = 3;

/** What a segment still needs when its objects are settled; the segment itself may leave the memory. */
type Ending = Pick<ClaimedSegment, 'writeReceipt' | 'release'>;

/**
 * Takes closed segments to the store and writes a receipt for each. Only a confirmed object, or one that the
 * store refuses for good, is settled; a segment whose objects are all settled gets its receipt, and only then
 * may the agent delete it. A kill at any moment costs repeated puts, which the store answers with 412.
 */
export class Uploader implements AsyncDisposable {
  readonly #options: UploaderOptions;
  readonly #queue: SegmentQueue;
  readonly #gate: StoreGate;
  readonly #put: GuardedPut;
  readonly #statistics: UploadStatistics;
  readonly #context: PassContext;
  readonly #progress = new Map<string, SegmentProgress>();
  /** One for each task: a signal that all shared would collect more listeners than Node thinks sane. */
  readonly #controllers: AbortController[] = [];
  /** On their way to the disk. */
  readonly #receipts = new Set<Promise<void>>();
  #closed = false;
  #tasks: Promise<void>[] = [];
  #scanNow: (() => void) | undefined;

  constructor(options: UploaderOptions) {
    const { clock, random, maxConcurrency = 4, spreadMs = 60_000 } = options;
    const { retry = DEFAULT_RETRY_POLICY, deadline = DEFAULT_DEADLINE } = options;
    this.#options = options;
    this.#queue = new SegmentQueue(options.order ?? 'oldest-first', clock);
    this.#gate = new StoreGate({ maxConcurrency, policy: retry, spreadMs, clock, random });
    this.#put = new GuardedPut(options.store, deadline, clock);
    this.#statistics = new UploadStatistics(clock, options.logger, 2 * deadline.timeoutMs + spreadMs);
    this.#context = {
      gate: this.#gate,
      put: this.#put,
      rate: new RateLimit(options.maxBytesPerSecond, clock),
      gzip: options.gzip ?? false,
      refusals: new Refusals(retry.poisonTries),
      onConfirmed: (sentBytes, outcome) => this.#statistics.confirmed(sentBytes, outcome),
      onFailure: (failure) => this.#failed(failure),
    };
  }

  /** Begins with a scan; returns at once. */
  start(): void {
    const { maxConcurrency = 4 } = this.#options;
    this.#tasks = [
      this.#task((signal) => this.#scanLoop(signal)),
      this.#task((signal) => this.#statistics.watch(() => this.#queue.size, signal)),
      // The gate bounds requests; one worker more, so that reading a segment or writing a receipt costs none of them.
      ...Array.from({ length: maxConcurrency + 1 }, () => this.#task((signal) => this.#work(signal))),
    ];
  }

  /** A segment was closed. A hint only: the next scan finds it as well. */
  notice(segment: string): void {
    if (this.#options.uploadPeriodMs === undefined) this.#queue.add(segment);
  }

  /** Scans at once, after a connection was lost in which notices may have been lost. */
  scan(): void {
    this.#scanNow?.();
  }

  status(): UploadStatus {
    return this.#statistics.status(this.#queue.size, this.#gate.inFlight, this.#gate.failure);
  }

  /** Aborts what is under way; what was confirmed meanwhile is found again by its key. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const reason = new EdgeError('CLOSED', 'The uploader was closed');
    for (const controller of this.#controllers) controller.abort(reason);
    await Promise.all(this.#tasks);
    await Promise.all(this.#receipts);
    await this.#options.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #task(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = new AbortController();
    this.#controllers.push(controller);
    try {
      await run(controller.signal);
    } catch (error) {
      if (!this.#closed) this.#options.logger.error('An upload task ended', { error });
    }
  }

  async #scanLoop(signal: AbortSignal): Promise<void> {
    const { source, logger } = this.#options;
    const periodMs = this.#options.uploadPeriodMs ?? this.#options.scanPeriodMs ?? 30_000;
    while (!signal.aborted) {
      try {
        this.#queue.beginScan();
        this.#queue.replace(await source.list(this.#options.order ?? 'oldest-first'));
        for (const segment of this.#progress.keys())
          if (!this.#queue.has(segment)) this.#progress.delete(segment);
      } catch (error) {
        logger.warn('Cannot list the spool', { reason: messageOf(error) });
      }
      await this.#pause(periodMs, signal);
    }
  }

  /** Ends after `ms`, at {@link scan}, or when the uploader closes. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, end);
      this.#scanNow = end;
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const segment = await this.#queue.take(signal);
      const progress = this.#progress.get(segment) ?? newProgress();
      this.#progress.set(segment, progress);
      try {
        await this.#pass(segment, progress, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#unreadable(segment, progress, error);
      }
    }
  }

  async #pass(segment: string, progress: SegmentProgress, signal: AbortSignal): Promise<void> {
    const claimed = await this.#options.source.claim(segment);
    const { writeReceipt, release } = claimed;
    let isFinishing = false;
    try {
      const result = await uploadSegment(claimed, progress, this.#context, signal);
      if (result.done) {
        isFinishing = true;
        this.#finishing(segment, progress, { writeReceipt, release });
      } else {
        const delayMs = this.#delayMs(result.failure, progress);
        this.#queue.release(segment, delayMs, result.failure.class === 'refusal');
      }
    } finally {
      if (!isFinishing) await release();
    }
    if (this.#receipts.size >= MAX_RECEIPTS) await Promise.race(this.#receipts);
  }

  /** The next segment goes out while this one's receipt is on its way to the disk. */
  #finishing(segment: string, progress: SegmentProgress, ending: Ending): void {
    const written = this.#finish(segment, progress, ending)
      .catch((error: unknown) => this.#unreadable(segment, progress, error))
      .finally(() => this.#receipts.delete(written));
    this.#receipts.add(written);
  }

  async #finish(
    segment: string,
    progress: SegmentProgress,
    { writeReceipt, release }: Ending,
  ): Promise<void> {
    const objects = settledRecords(progress);
    try {
      await writeReceipt(objects);
      this.#queue.finish(segment);
      this.#progress.delete(segment);
      this.#statistics.finished(objects);
      this.#options.onReceipt?.(segment, objects);
    } finally {
      await release();
    }
  }

  /** The segment's own backoff; where the store as a whole refuses, the gate holds everything back anyway. */
  #delayMs(failure: Failure, progress: SegmentProgress): number {
    const { retry = DEFAULT_RETRY_POLICY, random } = this.#options;
    switch (failure.class) {
      case 'throttle':
      case 'credentials':
      case 'permission':
        return 0;
      case 'transport':
      case 'damaged':
      case 'conflict':
      case 'refusal':
      case 'poison':
        return fullJitterMs(progress.passes, retry, random);
    }
  }

  #unreadable(segment: string, progress: SegmentProgress, error: unknown): void {
    if (error instanceof EdgeError && error.code === 'NOT_FOUND') {
      this.#queue.finish(segment);
      this.#progress.delete(segment);
      return;
    }
    const { retry = DEFAULT_RETRY_POLICY, random, logger } = this.#options;
    logger.warn('Cannot upload a segment', { segment, reason: messageOf(error) });
    this.#queue.release(segment, fullJitterMs(Math.max(1, progress.passes), retry, random));
  }

  #failed(failure: Failure): void {
    this.#statistics.failed(failure);
    if (this.#put.stuckInARow >= STUCK_LIMIT) this.#options.onStuck?.();
  }
}
