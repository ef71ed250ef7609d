import { EdgeError } from '../../core/mod.js';
import { HostLostError } from '../host/port/mod.js';
import type { Opinion } from './second-opinion.js';

/**
 * Why a run of a version on probation may speak against it. None of it does by itself: the former version is asked
 * the same, and only where that does better it counts.
 */
export type Suspicion = 'death' | 'hang' | 'refusal' | 'non-finite';

/** A run that was given less says nothing of a hang: its caller's deadline was short. */
const LEAST_HANG_MS = 1000;
/** The former version must need less than this share of the time that the new one had. */
const CLEARLY_FASTER = 1 / 4;

/** Refusals that are about where a caller wants its tensors to pass, which the former version is not asked. */
const OF_THE_CALLER = new Set(['EXCHANGE_FILE_REFUSED', 'EXCHANGE_FOLDER_UNKNOWN', 'OUTPUT_ROOM_TOO_SMALL']);

/** @param givenMs how long the run could take */
export function suspicionOf(thrown: unknown, givenMs: number): Suspicion | undefined {
  if (thrown instanceof HostLostError) return thrown.atFault ? 'death' : undefined;
  if (!(thrown instanceof EdgeError)) return 'refusal';
  const { code, reason } = thrown;
  if (reason === 'DEADLINE_WHILE_RUNNING') return givenMs >= LEAST_HANG_MS ? 'hang' : undefined;
  if (OF_THE_CALLER.has(reason)) return undefined;
  return code === 'INTERNAL' || code === 'INVALID_ARGUMENT' || reason === 'MEMORY_SHORT'
    ? 'refusal'
    : undefined;
}

/** Whether the run ended its host, so that somebody is to answer for it. */
export function endedHost(thrown: unknown): boolean {
  if (thrown instanceof HostLostError) return thrown.atFault;
  return thrown instanceof EdgeError && thrown.reason === 'DEADLINE_WHILE_RUNNING';
}

/** Whether what the former version did with the same inputs makes the suspicion evidence. */
export function isConfirmed(suspicion: Suspicion, opinion: Opinion, givenMs: number): boolean {
  if (opinion.kind !== 'answered') return false;
  if (suspicion === 'non-finite') return !opinion.nonFinite;
  return suspicion !== 'hang' || opinion.runMs < givenMs * CLEARLY_FASTER;
}
