import { STABLE } from '../../contract/mod.js';
import { findModel, type ProbationNote, type RegistryState } from '../registry/mod.js';
import { totalOf } from '../plan/mod.js';
import { ProbationEvidence } from './probation-evidence.js';

/** A version on probation, and the one that it would give way to. */
export interface OnProbation {
  readonly model: string;
  readonly version: string;
  readonly former: string;
}

/** The stable version of a model, while it is on probation. */
export function onProbation(state: RegistryState, model: string): OnProbation | undefined {
  const record = findModel(state, model);
  const version = record?.labels[STABLE];
  const former = record?.probationAgainst;
  return version === undefined || former === undefined ? undefined : { model, version, former };
}

/** An agent before this one decided by the former version's history, and wants to find one: this one holds nothing. */
const NO_HISTORY = { requests: 0, failures: 0, nonFinite: 0, medianRunMs: 0 };

/** How a version on probation does: what the registry had noted, and what has been seen since. */
export class ProbationProgress {
  readonly version: string;
  readonly against: string;
  readonly evidence: ProbationEvidence;
  readonly #notedMs: number;
  readonly #sinceMs: number;

  /** @param noted of whichever probation; it counts where it is this one's */
  constructor({ version, former }: OnProbation, noted: ProbationNote | undefined, nowMs: number) {
    this.version = version;
    this.against = former;
    const own = noted?.version === version && noted.against === former ? noted : undefined;
    this.evidence = new ProbationEvidence(own === undefined ? {} : callersOf(own));
    this.#notedMs = own?.servedMs ?? 0;
    this.#sinceMs = nowMs;
  }

  servedMs(nowMs: number): number {
    return this.#notedMs + nowMs - this.#sinceMs;
  }

  note(nowMs: number): ProbationNote {
    const { version, against, evidence } = this;
    const { callers } = evidence;
    const servedMs = Math.round(this.servedMs(nowMs));
    return { version, against, servedMs, ...totalOf(callers), former: NO_HISTORY, callers };
  }
}

/** An agent before this one noted no callers, and failures that nobody had compared: of these the requests count. */
function callersOf({ callers, requests }: ProbationNote): NonNullable<ProbationNote['callers']> {
  return callers ?? { 'before the update': { requests, failures: 0, nonFinite: 0 } };
}
