import type { CallerRecord, Evidence, Pace } from '../plan/mod.js';

/** So many callers are told apart; what further ones ask counts as one caller's. */
const MOST_CALLERS = 16;
const OTHERS = 'others';
/** The newest pairs decide. */
const MOST_PAIRS = 64;
const NOTHING: CallerRecord = { requests: 0, failures: 0, nonFinite: 0 };

interface Pair {
  readonly runMs: number;
  readonly formerMs: number;
}

/** What is held for and against one version on probation, by caller, in bounded memory. */
export class ProbationEvidence {
  readonly #callers: Map<string, CallerRecord>;
  readonly #pairs: Pair[] = [];
  /** Made when a pair comes, as it is asked for at each request. */
  #pace: Pace = { pairs: 0, medianRunMs: 0, formerMedianRunMs: 0 };

  /** @param noted before a restart */
  constructor(noted: Evidence['callers'] = {}) {
    this.#callers = new Map(Object.entries(noted));
  }

  /** A request that came as far as a run. */
  asked(caller: string): void {
    this.#add(caller, { ...NOTHING, requests: 1 });
  }

  /** The former version did better with it. */
  worse(caller: string, kind: 'failures' | 'nonFinite'): void {
    this.#add(caller, { ...NOTHING, [kind]: 1 });
  }

  paired(pair: Pair): void {
    this.#pairs.push(pair);
    if (this.#pairs.length > MOST_PAIRS) this.#pairs.shift();
    this.#pace = paceOf(this.#pairs);
  }

  get now(): Evidence {
    return { callers: this.callers, pace: this.#pace };
  }

  get callers(): Evidence['callers'] {
    return Object.fromEntries(this.#callers);
  }

  #add(caller: string, more: CallerRecord): void {
    const known = this.#callers.has(caller) || this.#callers.size < MOST_CALLERS;
    const name = known ? caller : OTHERS;
    const { requests, failures, nonFinite } = this.#callers.get(name) ?? NOTHING;
    this.#callers.set(name, {
      requests: requests + more.requests,
      failures: failures + more.failures,
      nonFinite: nonFinite + more.nonFinite,
    });
  }
}

function paceOf(pairs: readonly Pair[]): Pace {
  return {
    pairs: pairs.length,
    medianRunMs: median(pairs.map(({ runMs }) => runMs)),
    formerMedianRunMs: median(pairs.map(({ formerMs }) => formerMs)),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
