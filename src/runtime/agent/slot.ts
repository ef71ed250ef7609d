import type { EdgeError } from '../../core/mod.js';
import type { HostedModel } from '../host/port/mod.js';

/** What is known of one version in memory, loaded or not. Only {@link ServedModels} changes it. */
export interface Slot {
  readonly key: string;
  readonly model: string;
  readonly version: string;
  readonly hosted: HostedModel | undefined;
  /** Its load, or its trial at an admission: at most one of them at a time, and all who wait share it. */
  readonly loading: Promise<HostedModel> | undefined;
  /** Its host is ending: a load waits for that, as hosts know it by the same key. */
  readonly unloading: Promise<void> | undefined;
  /** Requests addressed to it that have no reply yet, queued ones included. */
  readonly pending: number;
  /** Runs that ended well since it was loaded. */
  readonly runs: number;
  readonly lastUsedMs: number;
  /** PSS of its host at the last measurement; kept after it is unloaded, as the best estimate. */
  readonly bytes: number;
  readonly measuredMs: number;
  readonly loadMs: number;
  /** Replaced by another version: goes when its requests are done. */
  readonly retiring: boolean;
  /** Unloaded for memory: only a request brings it back. */
  readonly evicted: boolean;
  /** Loads that failed in a row, and when the next may be tried without a request (monotonic). */
  readonly failures: number;
  readonly nextTryMs: number;
  readonly lastError: EdgeError | undefined;
}

/** A slot as its owner holds it. */
export type OwnSlot = { -readonly [Key in keyof Slot]: Slot[Key] };

export function emptySlot(key: string, model: string, version: string, nowMs: number): OwnSlot {
  return {
    key,
    model,
    version,
    hosted: undefined,
    loading: undefined,
    unloading: undefined,
    pending: 0,
    runs: 0,
    lastUsedMs: nowMs,
    bytes: 0,
    measuredMs: -Infinity,
    loadMs: 0,
    retiring: false,
    evicted: false,
    failures: 0,
    nextTryMs: 0,
    lastError: undefined,
  };
}
