import type { ModelDescription } from '../../contract/mod.js';
import { messageOf, type Clock, type Logger, type SerialQueues } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import { judge, keyOf, type Judgement } from '../plan/mod.js';
import { findModel, passProbation, type Registry } from '../registry/mod.js';
import type { Counters } from './counters.js';
import type { Events } from './events.js';
import { changeIf } from './registry-changes.js';
import type { Rollback } from './rollback.js';
import type { ServedModels } from './served-models.js';
import type { ModelCounters } from './stats.js';

export interface ProbationWatchOptions {
  readonly registry: Registry;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Pick<Counters, 'of'>;
  readonly events: Pick<Events, 'model'>;
  readonly served: Pick<ServedModels, 'retire'>;
  readonly rollback: Pick<Rollback, 'perform'>;
  readonly turns: Pick<SerialQueues, 'run'>;
  readonly reconcile: () => void;
}

interface Baseline {
  readonly requests: number;
  readonly failures: number;
  readonly nonFinite: number;
}

interface Watched {
  readonly version: string;
  readonly sinceMs: number;
  readonly from: Baseline;
}

/** A version on probation, and the one that it would give way to. */
interface OnProbation {
  readonly model: string;
  readonly version: string;
  readonly former: string;
}

/** Between two tries to switch back, where the version before cannot be loaded. */
const RETRY_MS = 5000;
const NOTHING: Baseline = { requests: 0, failures: 0, nonFinite: 0 };

/**
 * Watches each stable version that replaced another, and switches back at the first breach: no network, nobody
 * asked. After a restart of the control process a probation begins anew, as its counts are gone.
 */
export class ProbationWatch {
  readonly #options: ProbationWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #acting = new Set<string>();

  constructor(options: ProbationWatchOptions) {
    this.#options = options;
  }

  /** Judges one model, or all: after each of its requests, and now and then for the time. */
  check(only?: string): void {
    const names = only === undefined ? Object.keys(this.#options.registry.state.models) : [only];
    for (const model of names) this.#checkModel(model);
  }

  get keys(): readonly string[] {
    return [...this.#watched].map(([model, { version }]) => keyOf(model, version));
  }

  forget(key: string): void {
    for (const [model, { version }] of this.#watched)
      if (keyOf(model, version) === key) this.#watched.delete(model);
  }

  describe(model: string, version: string): ModelDescription['probation'] {
    const { counters, configuration, clock } = this.#options;
    if (this.#onProbation(model)?.version !== version) return undefined;
    const watched = this.#watch(model, version);
    const { probation } = configuration.current;
    const now = since(watched, counters.of(keyOf(model, version)));
    const elapsedMs = clock.monotonicMs() - watched.sinceMs;
    return {
      remainingMs: Math.max(0, Math.round(probation.durationSeconds * 1000 - elapsedMs)),
      remainingRequests: Math.max(0, probation.requests - now.requests),
      requests: now.requests,
      errors: now.failures,
      nonFinite: now.nonFinite,
    };
  }

  #onProbation(model: string): OnProbation | undefined {
    const record = findModel(this.#options.registry.state, model);
    const version = record?.labels['stable'];
    const former = record?.probationAgainst;
    return version === undefined || former === undefined ? undefined : { model, version, former };
  }

  #checkModel(model: string): void {
    const judged = this.#onProbation(model);
    if (judged === undefined) {
      this.#watched.delete(model);
      return;
    }
    if (this.#acting.has(model)) return;
    const judgement = this.#judge(judged);
    if (judgement.verdict === 'continue') return;
    this.#acting.add(model);
    void this.#act(judged, judgement);
  }

  #judge({ model, version, former }: OnProbation): Judgement {
    const { counters, configuration, clock } = this.#options;
    const watched = this.#watch(model, version);
    const now = counters.of(keyOf(model, version));
    const { requests, failures, nonFinite, run } = counters.of(keyOf(model, former));
    return judge(
      configuration.current.probation,
      clock.monotonicMs() - watched.sinceMs,
      { ...since(watched, now), medianRunMs: now.run.quantileMs(0.5) },
      { requests, failures, nonFinite, medianRunMs: run.quantileMs(0.5) },
    );
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

  #watch(model: string, version: string): Watched {
    const known = this.#watched.get(model);
    if (known?.version === version) return known;
    const { requests, failures, nonFinite } = this.#options.counters.of(keyOf(model, version));
    const sinceMs = this.#options.clock.monotonicMs();
    const watched = { version, sinceMs, from: { requests, failures, nonFinite } };
    this.#watched.set(model, watched);
    return watched;
  }
}

function since({ from }: Watched, now: ModelCounters): Baseline {
  const start = from.requests > now.requests ? NOTHING : from;
  return {
    requests: now.requests - start.requests,
    failures: now.failures - start.failures,
    nonFinite: now.nonFinite - start.nonFinite,
  };
}
