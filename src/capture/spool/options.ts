import type { Clock, Logger, Random } from '../../core/mod.js';
import type { BootIdentity } from '../../system/mod.js';
import type { Disk } from '../../disk/mod.js';
import type { Priority } from '../port.js';
import type { ObjectLayout } from './object-plan.js';

/** What happens to a record that does not fit its class's quota. Only `drop-oldest` touches what was acknowledged. */
export type QuotaPolicy = 'refuse' | 'drop-oldest' | 'drop-newest';

export interface ClassQuota {
  readonly bytes: number;
  readonly policy: QuotaPolicy;
}

/**
 * `durable`: acknowledged after sync; the next sync starts when the last has ended, or `pauseMs` after it where flash
 * is to be spared. `interval`: acknowledged after
 * write and synced every `windowMs`, which spares flash and may lose that much in a power cut.
 */
export type CommitMode =
  | { readonly mode: 'durable'; readonly pauseMs?: number }
  | { readonly mode: 'interval'; readonly windowMs: number };

export interface SpoolOptions {
  /** The spool's folder, absolute; made where it is absent. */
  readonly root: string;
  readonly layout: ObjectLayout;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly boot: BootIdentity;
  /** Whether the wall clock is known to be right at this moment; default: never known. */
  readonly clockSynchronised?: () => boolean;
  readonly commit?: CommitMode;
  /** A segment closes this long after its first record at the latest; default Edge Manager's 4 s. */
  readonly pushPeriodMs?: number;
  /** A segment closes once it holds this many bytes; default 1 MiB. */
  readonly segmentBytes?: number;
  readonly quotas?: Partial<Record<Priority, ClassQuota>>;
  /** Bytes of damaged data that are kept; default 4 MiB. */
  readonly quarantineBytes?: number;
  /** How long the fate of a capture is remembered; default one day. */
  readonly statusRetentionMs?: number;
  /** How many captures' states are held in memory at most, queued and finished each; default 100,000. */
  readonly maxRemembered?: number;
  /** Bytes that may wait for the disk; default 16 MiB. */
  readonly maxPendingBytes?: number;
}

export type SpoolSettings = Required<Omit<SpoolOptions, 'quotas'>> & {
  readonly quotas: Readonly<Record<Priority, ClassQuota>>;
};

const MIB = 1024 * 1024;

export function spoolSettings(options: SpoolOptions): SpoolSettings {
  return {
    clockSynchronised: () => false,
    commit: { mode: 'durable' },
    pushPeriodMs: 4000,
    segmentBytes: MIB,
    quarantineBytes: 4 * MIB,
    statusRetentionMs: 86_400_000,
    maxRemembered: 100_000,
    maxPendingBytes: 16 * MIB,
    ...options,
    quotas: {
      error: { bytes: 32 * MIB, policy: 'refuse' },
      outlier: { bytes: 64 * MIB, policy: 'refuse' },
      sample: { bytes: 128 * MIB, policy: 'refuse' },
      ...options.quotas,
    },
  };
}
