import type { ModelDescription } from '../../contract/mod.js';
import { messageOf, type Clock } from '../../core/mod.js';
import { judge, keyOf, type Judgement } from '../plan/mod.js';
import { findModel, passProbation } from '../registry/mod.js';
import type { AgentDependencies } from './context.js';
import type { Counters } from './counters.js';
import type { Events } from './events.js';
import type { ModelManager } from './model-manager.js';
import type { ModelCounters } from './stats.js';

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

/** Between two tries to switch back, where the version before cannot be loaded. */
const RETRY_MS = 5000;
const NOTHING: Baseline = { requests: 0, failures: 0, nonFinite: 0 };

/**
 * Watches each stable version that replaced another, and switches back at the first breach: no network, nobody
 * asked. After a restart of the control process a probation begins anew, as its counts are gone.
 */
export class ProbationWatch {
  readonly #dependencies: AgentDependencies;
  readonly #manager: ModelManager;
  readonly #counters: Counters;
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #watched = new Map<string, Watched>();
  readonly #acting = new Set<string>();

  constructor(dependencies: AgentDependencies, manager: ModelManager, counters: Counters, events: Events) {
    this.#dependencies = dependencies;
    this.#manager = manager;
    this.#counters = counters;
    this.#events = events;
    this.#clock = dependencies.clock;
  }

  /** Judges one model, or all: after each of its requests, and now and then for the time. */
  check(only?: string): void {
    const { registry } = this.#dependencies;
    const names = only === undefined ? Object.keys(registry.state.models) : [only];
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
    const record = findModel(this.#dependencies.registry.state, model);
    if (record?.probationAgainst === undefined || record.labels['stable'] !== version) return undefined;
    const watched = this.#watch(model, version);
    const { probation } = this.#dependencies.configuration.current;
    const now = this.#since(watched, this.#counters.of(keyOf(model, version)));
    return {
      remainingMs: Math.max(
        0,
        Math.round(probation.durationSeconds * 1000 - (this.#clock.monotonicMs() - watched.sinceMs)),
      ),
      remainingRequests: Math.max(0, probation.requests - now.requests),
      requests: now.requests,
      errors: now.failures,
      nonFinite: now.nonFinite,
    };
  }

  #checkModel(model: string): void {
    const { registry, configuration } = this.#dependencies;
    const record = findModel(registry.state, model);
    const version = record?.labels['stable'];
    if (record?.probationAgainst === undefined || version === undefined) {
      this.#watched.delete(model);
      return;
    }
    if (this.#acting.has(model)) return;
    const watched = this.#watch(model, version);
    const counters = this.#counters.of(keyOf(model, version));
    const before = this.#counters.of(keyOf(model, record.probationAgainst));
    const judgement = judge(
      configuration.current.probation,
      this.#clock.monotonicMs() - watched.sinceMs,
      { ...this.#since(watched, counters), medianRunMs: counters.run.quantileMs(0.5) },
      {
        requests: before.requests,
        failures: before.failures,
        nonFinite: before.nonFinite,
        medianRunMs: before.run.quantileMs(0.5),
      },
    );
    if (judgement.verdict === 'continue') return;
    this.#acting.add(model);
    void this.#act(model, version, record.probationAgainst, judgement);
  }

  async #act(
    model: string,
    version: string,
    former: string,
    judgement: Exclude<Judgement, { verdict: 'continue' }>,
  ): Promise<void> {
    try {
      const done =
        judgement.verdict === 'breach' && (await this.#manager.failures.rollBack(model, judgement.reason));
      if (!done) await this.#pass(model, version, former);
    } catch (thrown) {
      this.#dependencies.logger.error('A probation could not be ended', { model, reason: messageOf(thrown) });
      await this.#clock.sleep(RETRY_MS).catch(() => undefined);
    } finally {
      this.#acting.delete(model);
    }
  }

  async #pass(model: string, version: string, former: string): Promise<void> {
    await this.#dependencies.registry.update((state) => passProbation(state, model));
    this.#watched.delete(model);
    const slot = this.#manager.served.find(model, former);
    if (slot !== undefined) slot.retiring = true;
    this.#events.model({ type: 'PROBATION_PASSED', model, version, from: former });
    this.#manager.reconcile();
  }

  #watch(model: string, version: string): Watched {
    const known = this.#watched.get(model);
    if (known?.version === version) return known;
    const { requests, failures, nonFinite } = this.#counters.of(keyOf(model, version));
    const watched = { version, sinceMs: this.#clock.monotonicMs(), from: { requests, failures, nonFinite } };
    this.#watched.set(model, watched);
    return watched;
  }

  #since({ from }: Watched, now: ModelCounters): Baseline {
    const start = from.requests > now.requests ? NOTHING : from;
    return {
      requests: now.requests - start.requests,
      failures: now.failures - start.failures,
      nonFinite: now.nonFinite - start.nonFinite,
    };
  }
}
