import { MEBIBYTE, type Clock, type Logger, type Random } from '../../core/mod.js';
import type { BootIdentity } from '../../system/mod.js';
import type { Disk } from '../../disk/mod.js';
import type { SpoolPolicy, SpoolPolicyOptions } from './policy.js';

export interface SpoolOptions extends SpoolPolicyOptions {
  /** The spool's folder, absolute; made where it is absent. */
  readonly root: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly boot: BootIdentity;
  /** Lets the event loop turn while a large record is prepared; default: nobody else waits for it. */
  readonly turn?: () => Promise<void>;
  /** Whether the wall clock is known to be right at this moment; default: never known. */
  readonly clockSynchronised?: () => boolean;
  /** A segment closes once it holds this many bytes; default 1 MiB. */
  readonly segmentBytes?: number;
  /** Bytes of damaged data, and of captures that the store refused, that are kept; default 64 MiB. */
  readonly quarantineBytes?: number;
  /** How long the fate of a capture is remembered at least; default one day. */
  readonly statusRetentionMs?: number;
  /** How many captures' states are held in memory at most, queued and finished each; default 100,000. */
  readonly maxRemembered?: number;
  /** Bytes that may wait for the disk; default 16 MiB. */
  readonly maxPendingBytes?: number;
}

export type SpoolSettings = Required<Omit<SpoolOptions, keyof SpoolPolicyOptions>> & {
  /** To be asked anew at each use. */
  readonly policy: { readonly current: SpoolPolicy };
};

export function spoolSettings(
  options: SpoolOptions,
  policy: { readonly current: SpoolPolicy },
): SpoolSettings {
  return {
    root: options.root,
    disk: options.disk,
    clock: options.clock,
    random: options.random,
    log: options.log,
    boot: options.boot,
    turn: options.turn ?? (async () => undefined),
    clockSynchronised: options.clockSynchronised ?? (() => false),
    segmentBytes: options.segmentBytes ?? MEBIBYTE,
    quarantineBytes: options.quarantineBytes ?? 64 * MEBIBYTE,
    statusRetentionMs: options.statusRetentionMs ?? 86_400_000,
    maxRemembered: options.maxRemembered ?? 100_000,
    maxPendingBytes: options.maxPendingBytes ?? 16 * MEBIBYTE,
    policy,
  };
}
