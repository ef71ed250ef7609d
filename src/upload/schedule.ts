import { fullJitterMs, type Random } from '../core/mod.js';
import type { Failure } from './failure.js';

/** Waits after failures. The defaults are those of the promises (rows R10 and R11). */
export interface RetryPolicy {
  readonly baseMs: number;
  readonly capMs: number;
  /** Least wait between two probes of a store that refuses this device. */
  readonly permissionProbeMs: number;
  /** Tries of an object that the store refuses deterministically, before it is set aside. */
  readonly poisonTries: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  baseMs: 1_000,
  capMs: 300_000,
  permissionProbeMs: 300_000,
  poisonTries: 3,
};

/** A tenth on top spreads the probes of devices that one policy change locked out together. */
const PROBE_SPREAD = 0.1;

/**
 * How long to wait before the next try.
 * @param failures failures in a row, this one included (1 = the first)
 */
export function retryDelayMs(
  failure: Failure,
  failures: number,
  policy: RetryPolicy,
  random: Random,
): number {
  const jitterMs = fullJitterMs(failures, policy, random);
  switch (failure.class) {
    case 'permission':
      return Math.ceil(policy.permissionProbeMs * (1 + PROBE_SPREAD * random.fraction()));
    case 'transport':
    case 'throttle':
    case 'credentials':
    case 'damaged':
    case 'conflict':
    case 'refusal':
    case 'poison':
      // What was asked for is a lower bound, and devices that were asked together must not return together.
      return failure.retryAfterMs === undefined ? jitterMs : failure.retryAfterMs + jitterMs;
  }
}

/** Whether a failure says something of the whole store: then no other object is tried meanwhile. */
export function concernsStore(failure: Failure): boolean {
  switch (failure.class) {
    case 'transport':
    case 'throttle':
    case 'credentials':
    case 'permission':
      return true;
    case 'damaged':
    case 'conflict':
    case 'refusal':
    case 'poison':
      return false;
  }
}
