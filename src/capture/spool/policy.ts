import { MEBIBYTE } from '../../core/mod.js';
import type { Priority } from '../captured/priority.js';
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

/** What an operator may change while the spool is open. */
export interface SpoolPolicyOptions {
  /** Stands in each segment's header: a change of it closes the open ones. */
  readonly layout: ObjectLayout;
  readonly commit?: CommitMode;
  /** A segment closes this long after its first record at the latest; default Edge Manager's 4 s. */
  readonly pushPeriodMs?: number;
  readonly quotas?: Partial<Record<Priority, ClassQuota>>;
}

export type SpoolPolicy = Required<Omit<SpoolPolicyOptions, 'quotas'>> & {
  readonly quotas: Readonly<Record<Priority, ClassQuota>>;
};

export function spoolPolicy({ layout, commit, pushPeriodMs, quotas }: SpoolPolicyOptions): SpoolPolicy {
  return {
    layout,
    commit: commit ?? { mode: 'durable' },
    pushPeriodMs: pushPeriodMs ?? 4000,
    quotas: {
      error: { bytes: 32 * MEBIBYTE, policy: 'refuse' },
      outlier: { bytes: 64 * MEBIBYTE, policy: 'refuse' },
      sample: { bytes: 128 * MEBIBYTE, policy: 'refuse' },
      ...quotas,
    },
  };
}
