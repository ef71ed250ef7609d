import type { ModelDescription } from '../../contract/mod.js';
import { messageOf, type Clock, type Logger, type SerialQueues } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import { judge, keyOf, totalOf, type Judgement } from '../plan/mod.js';
import {
  findModel,
  noteProbation,
  passProbation,
  type ProbationNote,
  type Registry,
} from '../registry/mod.js';
import { Comparisons, type ProbationRun } from './comparisons.js';
import type { RunRequest, RunResult } from '../host/port/mod.js';
import type { Events } from './events.js';
import { onProbation, ProbationProgress, type OnProbation } from './probation-progress.js';
import { changeIf, changeSoon } from './registry-changes.js';
import type { Rollback } from './rollback.js';
import { SecondOpinion } from './second-opinion.js';
import type { ServedModels } from './served-models.js';
import type { Slot } from './slot.js';
import type { VersionFailures } from './version-failures.js';

export interface ProbationWatchOptions {
  readonly registry: Registry;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly served: Pick<ServedModels, 'retire' | 'slot' | 'keep' | 'begin' | 'ensure'>;
  readonly failures: Pick<VersionFailures, 'judged'>;
  readonly rollback: Pick<Rollback, 'perform'>;
  readonly turns: Pick<SerialQueues, 'run'>;
  readonly reconcile: () => void;
}

/** Between two tries to switch back, where the version before cannot be loaded. */
const RETRY_MS = 5000;
/**
 * How a probation goes is noted after the first minute of each start and then now and then: a device that is
 * switched off every day comes to an end, and flash is spared.
 */
const FIRST_NOTE_MS = 60_000;
const NOTE_MS = 5 * 60_000;

interface Watched {
  readonly progress: ProbationProgress;
  readonly nextNoteMs: number;
}

/**
 * Watches each stable version that replaced another, and switches back where the former one does better with the
 * same inputs: no network, nobody asked. A probation goes on after a restart where it was last noted.
 */
export class ProbationWatch {
  readonly #options: ProbationWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #acting = new Set<string>();
  readonly #comparisons: Comparisons;

  constructor(options: ProbationWatchOptions) {
    this.#options = options;
    const second = new SecondOpinion(options);
    this.#comparisons = new Comparisons({ ...options, second, onEvidence: (model) => this.check(model) });
  }

  /** @returns resolves once the caller may have its reply */
  async succeeded(slot: Slot, request: RunRequest, result: RunResult): Promise<void> {
    const run = this.#runOf(slot, request);
    if (run !== undefined) await this.#comparisons.succeeded(run, result);
    this.check(slot.model);
  }

  /**
   * @param givenMs how long the run could take
   * @returns resolves once the caller may have its reply
   */
  async failed(slot: Slot, request: RunRequest, thrown: unknown, givenMs: number): Promise<void> {
    const run = this.#runOf(slot, request);
    if (run !== undefined) await this.#comparisons.failed(run, thrown, givenMs);
    this.check(slot.model);
  }

  /** Judges one model, or all: after what was learned of it, and now and then for the time. */
  check(only?: string): void {
    const names = only === undefined ? Object.keys(this.#options.registry.state.models) : [only];
    for (const model of names) this.#checkModel(model);
  }

  get keys(): readonly string[] {
    return [...this.#watched].map(([model, { progress }]) => keyOf(model, progress.version));
  }

  forget(key: string): void {
    for (const [model, { progress }] of this.#watched)
      if (keyOf(model, progress.version) === key) this.#watched.delete(model);
  }

  /** Notes how all probations go; for the end of the process. */
  async close(): Promise<void> {
    const { registry } = this.#options;
    for (const model of this.#watched.keys()) {
      const note = this.#note(model);
      if (note !== undefined) await registry.update((state) => noteProbation(state, model, note));
    }
  }

  describe(model: string, version: string): ModelDescription['probation'] {
    const { configuration, clock } = this.#options;
    const watched = onProbation(this.#options.registry.state, model);
    if (watched?.version !== version) return undefined;
    const { probation } = configuration.current;
    const { progress } = this.#watch(watched);
    const now = totalOf(progress.evidence.callers);
    const leftMs = probation.durationSeconds * 1000 - progress.servedMs(clock.monotonicMs());
    return {
      remainingMs: Math.max(0, Math.round(leftMs)),
      remainingRequests: Math.max(0, probation.requests - now.requests),
      requests: now.requests,
      errors: now.failures,
      nonFinite: now.nonFinite,
    };
  }

  #checkModel(model: string): void {
    const judged = onProbation(this.#options.registry.state, model);
    if (judged === undefined) {
      this.#watched.delete(model);
      return;
    }
    if (this.#acting.has(model)) return;
    const judgement = this.#judge(judged);
    // What the former version is being asked may still speak against it.
    const isOpen = judgement.verdict === 'passed' && this.#comparisons.areOpen(model);
    if (judgement.verdict === 'continue' || isOpen) {
      this.#noteSometimes(model);
      return;
    }
    this.#acting.add(model);
    void this.#act(judged, judgement);
  }

  #runOf(slot: Slot, request: RunRequest): ProbationRun | undefined {
    const judged = onProbation(this.#options.registry.state, slot.model);
    if (judged?.version !== slot.version || !this.#options.configuration.current.probation.enabled)
      return undefined;
    return { judged, evidence: this.#watch(judged).progress.evidence, slot, request };
  }

  #judge(judged: OnProbation): Judgement {
    const { configuration, clock } = this.#options;
    const { progress } = this.#watch(judged);
    const servedMs = progress.servedMs(clock.monotonicMs());
    return judge(configuration.current.probation, servedMs, progress.evidence.now);
  }

  #noteSometimes(model: string): void {
    const { registry, clock, logger } = this.#options;
    const watched = this.#watched.get(model);
    const nowMs = clock.monotonicMs();
    if (watched === undefined || nowMs < watched.nextNoteMs) return;
    this.#watched.set(model, { ...watched, nextNoteMs: nowMs + NOTE_MS });
    const note = this.#note(model);
    if (note !== undefined) changeSoon(registry, logger, (state) => noteProbation(state, model, note));
  }

  #note(model: string): ProbationNote | undefined {
    return this.#watched.get(model)?.progress.note(this.#options.clock.monotonicMs());
  }

  async #act(judged: OnProbation, judgement: Exclude<Judgement, { verdict: 'continue' }>): Promise<void> {
    const { rollback, clock, logger } = this.#options;
    const { model, version } = judged;
    try {
      const done =
        judgement.verdict === 'breach' && (await rollback.perform(model, version, judgement.reason));
      if (!done) await this.#pass(judged);
    } catch (thrown) {
      logger.error('A probation could not be ended', { model, reason: messageOf(thrown) });
      await clock.sleep(RETRY_MS).catch(() => undefined);
    } finally {
      this.#acting.delete(model);
    }
  }

  async #pass({ model, version, former }: OnProbation): Promise<void> {
    const { registry, served, events, turns, reconcile } = this.#options;
    await turns.run(model, async () => {
      if (!(await changeIf(registry, (state) => passProbation(state, model, version, former)))) return;
      this.#watched.delete(model);
      served.retire(model, former);
      events.model({ type: 'PROBATION_PASSED', model, version, from: former });
      reconcile();
    });
  }

  #watch(watched: OnProbation): Watched {
    const { registry, clock } = this.#options;
    const { model, version, former } = watched;
    const known = this.#watched.get(model);
    if (known?.progress.version === version && known.progress.against === former) return known;
    const nowMs = clock.monotonicMs();
    const noted = findModel(registry.state, model)?.probation;
    const progress = new ProbationProgress(watched, noted, nowMs);
    const begun = { progress, nextNoteMs: nowMs + FIRST_NOTE_MS };
    this.#watched.set(model, begun);
    return begun;
  }
}
