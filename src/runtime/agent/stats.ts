import type { LatencySummary } from '../../contract/mod.js';
import { toEdgeError, type EdgeError } from '../../core/mod.js';

/** Buckets grow by 2^(1/8), so that a quantile is right within 9 %; from 1 microsecond to 19 hours. */
const BUCKETS_PER_DOUBLING = 8;
const BUCKETS = 36 * BUCKETS_PER_DOUBLING;
const SMALLEST_MS = 0.001;

/** Durations by logarithmic buckets: constant memory whatever the traffic. */
class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #maxMs = 0;

  record(durationMs: number): void {
    const index = Math.floor(
      Math.log2(Math.max(SMALLEST_MS, durationMs) / SMALLEST_MS) * BUCKETS_PER_DOUBLING,
    );
    const bucket = Math.min(BUCKETS - 1, index);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#maxMs = Math.max(this.#maxMs, durationMs);
  }

  get count(): number {
    return this.#count;
  }

  /** The upper bound of the bucket that holds the quantile; 0 where nothing was recorded. */
  quantileMs(quantile: number): number {
    let left = Math.ceil(this.#count * quantile);
    if (left === 0) return 0;
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.min(this.#maxMs, SMALLEST_MS * 2 ** ((bucket + 1) / BUCKETS_PER_DOUBLING));
    }
    return this.#maxMs;
  }

  summary(): LatencySummary {
    const at = (quantile: number): number => round(this.quantileMs(quantile));
    return { count: this.#count, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: round(this.#maxMs) };
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** What was counted of one version since this control process started. */
export class ModelCounters {
  readonly queue = new Histogram();
  readonly run = new Histogram();
  readonly total = new Histogram();
  readonly errorsByCode: Record<string, number> = {};
  requests = 0;
  errors = 0;
  lastInferenceMs: number | undefined;
  lastSampleMs: number | undefined;

  succeeded(times: { queueMs: number; runMs: number; totalMs: number }, wallMs: number): void {
    this.requests++;
    this.queue.record(times.queueMs);
    this.run.record(times.runMs);
    this.total.record(times.totalMs);
    this.lastInferenceMs = wallMs;
  }

  failed(thrown: unknown): EdgeError {
    const error = toEdgeError(thrown);
    this.requests++;
    this.errors++;
    this.errorsByCode[error.code] = (this.errorsByCode[error.code] ?? 0) + 1;
    return error;
  }
}
