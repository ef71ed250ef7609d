import type { CaptureState, CaptureStats } from '../../contract/mod.js';
import type { CaptureRecord } from '../captured/capture-record.js';
import type { SpoolPolicyOptions } from './policy.js';

/** How the spool answered: `dropped` is never an exception, it is counted. */
export type AppendOutcome =
  | { readonly outcome: 'spooled'; readonly mode: 'durable' | 'interval'; readonly sequence: number }
  | { readonly outcome: 'dropped'; readonly reason: DropReason };

/**
 * Why a record was not acknowledged: the class's quota, no space on the disk, a sick disk, more waiting for the disk than
 * memory may hold, an id that is known already, a spool that has closed.
 */
export type DropReason = 'quota' | 'no-space' | 'io-error' | 'overload' | 'duplicate' | 'closed';

/** Captures that the store refused for good, as one segment in quarantine. They come back together. */
export interface QuarantinedCaptures {
  readonly number: number;
  /** Its file's name in `closed/` before. */
  readonly segment: string;
  readonly records: number;
  readonly sizeBytes: number;
  /** Undefined where an agent of before kept none. */
  readonly reason: string | undefined;
  readonly captureIds: readonly string[];
}

/** The agent's side of the spool. Every acknowledged record is delivered, or counted in drops under a policy the operator chose. */
export interface CaptureSpool extends AsyncDisposable {
  /** Resolves after fsync (durable) or write (interval). Assigns sequence number, boot id and monotonic time. */
  append(record: CaptureRecord): Promise<AppendOutcome>;
  /** True while an id is known; CaptureData refuses it a second time. */
  has(captureId: string): boolean;
  status(captureId: string): { readonly state: CaptureState; readonly reason?: string };
  stats(): CaptureStats;
  /** A sentence while the disk is sick, undefined while it is well. */
  health(): string | undefined;
  /** Calls back with each segment that was closed, to publish `spool/closed`. */
  onClosed(listener: (segment: string) => void): () => void;
  /** Calls back when captures change their state, batched, to publish `events/capture`. */
  onState(
    listener: (
      state: 'SPOOLED' | 'UPLOADED' | 'DROPPED' | 'QUARANTINED',
      captureIds: readonly string[],
      reason?: string,
    ) => void,
  ): () => void;
  /** Another policy from now on: open segments close, so that what comes next goes by it. */
  configure(policy: SpoolPolicyOptions): void;
  /** A receipt was written (notice from the uploader, or a scan): reads it, updates statuses, deletes the segment. */
  reconcile(): Promise<void>;
  /** What lies in quarantine and was acknowledged, what came first before the rest. */
  quarantined(): Promise<readonly QuarantinedCaptures[]>;
  /**
   * Brings captures back out of quarantine: they wait for the uploader again.
   * @param number as {@link quarantined} tells
   * @returns the captures' ids; none where they are not there any more
   * @throws EdgeError RECORD_INVALID where none can be read, and as `Disk` gives them; they are still there then
   */
  requeue(number: number): Promise<readonly string[]>;
  /** Closes open segments: all that was acknowledged is on disk and may be uploaded. */
  close(): Promise<void>;
}
