import type { Record as Standing } from '../plan/mod.js';
import type { ProbationNote } from '../registry/mod.js';
import type { ModelCounters } from './stats.js';

type Counts = Pick<Standing, 'requests' | 'failures' | 'nonFinite'>;

/** A version on probation, and the one that it would give way to. */
export interface OnProbation {
  readonly model: string;
  readonly version: string;
  readonly former: string;
}

const NOTHING: Counts = { requests: 0, failures: 0, nonFinite: 0 };

/**
 * How a version on probation does: what the registry had noted when this process began to watch it, and what has
 * been counted since. Counters may have begun anew meanwhile.
 */
export class ProbationProgress {
  readonly version: string;
  readonly against: string;
  readonly #noted: ProbationNote | undefined;
  readonly #sinceMs: number;
  readonly #from: Counts;

  /** @param noted of whichever probation; it counts where it is this one's */
  constructor(
    { version, former }: OnProbation,
    noted: ProbationNote | undefined,
    { requests, failures, nonFinite }: ModelCounters,
    nowMs: number,
  ) {
    this.version = version;
    this.against = former;
    this.#noted = noted?.version === version && noted.against === former ? noted : undefined;
    this.#sinceMs = nowMs;
    this.#from = { requests, failures, nonFinite };
  }

  servedMs(nowMs: number): number {
    return (this.#noted?.servedMs ?? 0) + nowMs - this.#sinceMs;
  }

  counts(now: ModelCounters): Counts {
    const from = this.#from.requests > now.requests ? NOTHING : this.#from;
    const before = this.#noted ?? NOTHING;
    return {
      requests: before.requests + now.requests - from.requests,
      failures: before.failures + now.failures - from.failures,
      nonFinite: before.nonFinite + now.nonFinite - from.nonFinite,
    };
  }

  /** The former version's record: of this process, or what was noted where that is more. */
  former({ requests, failures, nonFinite, run }: ModelCounters): Standing {
    const noted = this.#noted?.former;
    if (noted !== undefined && noted.requests > requests) return noted;
    return { requests, failures, nonFinite, medianRunMs: run.quantileMs(0.5) };
  }

  note(now: ModelCounters, former: ModelCounters, nowMs: number): ProbationNote {
    const { version, against } = this;
    const servedMs = Math.round(this.servedMs(nowMs));
    return { version, against, servedMs, ...this.counts(now), former: this.former(former) };
  }
}
