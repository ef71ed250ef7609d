import { SerialQueues } from '../../core/mod.js';
import type { RunRequest, RunResult } from '../host/port/mod.js';
import type { OnProbation } from './probation-progress.js';
import type { ProbationEvidence } from './probation-evidence.js';
import type { SecondOpinion } from './second-opinion.js';
import type { Slot } from './slot.js';
import { endedHost, isConfirmed, suspicionOf, type Suspicion } from './suspicion.js';
import type { VersionFailures } from './version-failures.js';

export interface ComparisonsOptions {
  readonly second: Pick<SecondOpinion, 'ask' | 'isReady'>;
  readonly failures: Pick<VersionFailures, 'judged'>;
  /** Something was learned of a model's version on probation. */
  readonly onEvidence: (model: string) => void;
}

/** One run of a version on probation, and where it counts. */
export interface ProbationRun {
  readonly judged: OnProbation;
  readonly evidence: ProbationEvidence;
  readonly slot: Slot;
  readonly request: RunRequest;
}

/** Suspicions that wait for the former version: of one model, and of one caller among them. Further ones are not followed. */
const MOST_WAITING = 16;
const MOST_OF_CALLER = 2;
/** One run in so many is timed in both versions. */
const PACE_SHARE = 10;
/** The former version is given no longer than this for its answer. */
const LONGEST_RUN_MS = 10_000;

/**
 * Holds what a version on probation does against what the former one does with the same inputs, now: neither history,
 * nor a caller's mistakes, nor a busy machine speaks against a version. One at a time a model.
 */
export class Comparisons {
  readonly #options: ComparisonsOptions;
  readonly #turns = new SerialQueues();
  /** By model: whose suspicions wait. */
  readonly #waiting = new Map<string, string[]>();

  constructor(options: ComparisonsOptions) {
    this.#options = options;
  }

  /** Whether the former version is being asked, or will be. */
  areOpen(model: string): boolean {
    return this.#waiting.has(model);
  }

  /** @returns resolves once the caller may have its reply: its exchange files are read until then */
  async succeeded(run: ProbationRun, { nonFinite, runMs }: RunResult): Promise<void> {
    if (nonFinite) return await this.#follow(run, 'non-finite', Infinity);
    const { judged, evidence, slot, request } = run;
    evidence.asked(callerOf(request));
    const isTimed = slot.runs % PACE_SHARE === 0 && !isFileBorne(request);
    if (!isTimed || this.#waiting.has(judged.model) || !this.#options.second.isReady(judged)) return;
    void this.#inTurn(run, () => this.#pace(run, runMs));
  }

  /** @param givenMs how long the run could take */
  async failed(run: ProbationRun, thrown: unknown, givenMs: number): Promise<void> {
    const suspicion = suspicionOf(thrown, givenMs);
    if (suspicion !== undefined) await this.#follow(run, suspicion, givenMs);
    else if (endedHost(thrown)) this.#options.failures.judged(run.slot, run.request.caller, 'acquitted');
  }

  async #follow(run: ProbationRun, suspicion: Suspicion, givenMs: number): Promise<void> {
    if (!this.#hasRoom(run)) {
      if (suspicion === 'death' || suspicion === 'hang')
        this.#options.failures.judged(run.slot, run.request.caller, 'unknown');
      return;
    }
    run.evidence.asked(callerOf(run.request));
    const following = this.#inTurn(run, () => this.#compare(run, suspicion, givenMs));
    if (isFileBorne(run.request)) await following;
  }

  async #compare(run: ProbationRun, suspicion: Suspicion, givenMs: number): Promise<void> {
    const { second, failures } = this.#options;
    const { judged, evidence, slot, request } = run;
    const opinion = await second.ask(judged, request, Math.min(givenMs, LONGEST_RUN_MS));
    const confirmed = isConfirmed(suspicion, opinion, givenMs);
    if (confirmed) evidence.worse(callerOf(request), suspicion === 'non-finite' ? 'nonFinite' : 'failures');
    if (suspicion === 'death' || suspicion === 'hang') {
      const other = opinion.kind === 'unknown' ? 'unknown' : 'acquitted';
      failures.judged(slot, request.caller, confirmed ? 'convicted' : other);
    }
  }

  async #pace({ judged, evidence, request }: ProbationRun, runMs: number): Promise<void> {
    const opinion = await this.#options.second.ask(judged, request, LONGEST_RUN_MS);
    if (opinion.kind === 'answered') evidence.paired({ runMs, formerMs: opinion.runMs });
  }

  #hasRoom({ judged, request }: ProbationRun): boolean {
    const waiting = this.#waiting.get(judged.model) ?? [];
    const own = waiting.filter((caller) => caller === callerOf(request));
    return waiting.length < MOST_WAITING && own.length < MOST_OF_CALLER;
  }

  async #inTurn({ judged: { model }, request }: ProbationRun, act: () => Promise<void>): Promise<void> {
    const caller = callerOf(request);
    this.#waiting.set(model, [...(this.#waiting.get(model) ?? []), caller]);
    try {
      await this.#turns.run(model, act);
    } finally {
      const left = without(this.#waiting.get(model) ?? [], caller);
      if (left.length === 0) this.#waiting.delete(model);
      else this.#waiting.set(model, left);
      this.#options.onEvidence(model);
    }
  }
}

function without(callers: readonly string[], caller: string): string[] {
  const at = callers.indexOf(caller);
  return callers.filter((_, index) => index !== at);
}

function callerOf({ caller = 'unknown' }: RunRequest): string {
  return caller;
}

/** The caller may change or remove its files once it has its reply. */
function isFileBorne({ inputs }: RunRequest): boolean {
  return inputs.some((input) => 'file' in input);
}
