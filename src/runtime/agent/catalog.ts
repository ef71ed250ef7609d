import {
  type ModelDescription,
  type ModelEngine,
  type ModelStats,
  type ModelState,
  type ModelSummary,
  type ReplyOf,
  type RequestOf,
  type TensorMetadata,
} from '../../contract/mod.js';
import type { EngineReport } from '../host/port/mod.js';
import { keyOf, select } from '../plan/mod.js';
import { entries, findModel, labelsOf, type VersionRecord } from '../registry/mod.js';
import type { AgentDependencies } from './context.js';
import type { Counters } from './counters.js';
import { pageOf } from './paging.js';
import { onProbation } from './probation-progress.js';
import type { ProbationWatch } from './probation-watch.js';
import type { ServedModels } from './served-models.js';
import type { TrustWatch } from './trust-watch.js';
import type { Unadmitted } from './unadmitted.js';

export interface CatalogOptions extends Pick<
  AgentDependencies,
  'registry' | 'capture' | 'clock' | 'machine' | 'hosts'
> {
  readonly served: Pick<ServedModels, 'find'>;
  readonly counters: Counters;
  readonly probation: Pick<ProbationWatch, 'describe'>;
  readonly unadmitted: Pick<Unadmitted, 'reasonOf'>;
  readonly trust: Pick<TrustWatch, 'isRevoked'>;
}

/** Sentences in a listing are cut, so that one model never fills a message. */
const REASON_MAX_CHARS = 300;

/** What the agent tells of its models: list, describe, stats. Reads only. */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #startedMs: number;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
  }

  list({ cursor }: RequestOf<'list'>): ReplyOf<'list'> {
    const summaries = entries(this.#options.registry.state).map(({ model, record }) => ({
      key: keyOf(model, record.version),
      item: this.#summary(model, record, REASON_MAX_CHARS),
    }));
    const { items, next } = pageOf(summaries, cursor);
    return { models: [...items], ...(next === undefined ? {} : { next }) };
  }

  describe({ name, version, label }: RequestOf<'describe'>): ModelDescription {
    const record = select(this.#options.registry.state, name, { version, label });
    const slot = this.#options.served.find(name, record.version);
    const report = slot?.hosted?.report;
    const probation = this.#options.probation.describe(name, record.version);
    return {
      ...this.#summary(name, record, 2000),
      inputs: copyTensors(report?.inputs ?? []),
      outputs: copyTensors(report?.outputs ?? []),
      path: record.source,
      ...(record.component === undefined ? {} : { component: record.component }),
      ...(slot?.hosted === undefined ? {} : { memoryBytes: Math.round(slot.bytes), loadMs: slot.loadMs }),
      ...(record.signature === undefined ? {} : { signature: record.signature }),
      ...(report?.engine === undefined ? {} : { engine: engineOf(report.engine) }),
      ...(probation === undefined ? {} : { probation }),
    };
  }

  stats({ model, cursor }: RequestOf<'stats'>): ReplyOf<'stats'> {
    const { registry, capture, clock, machine, hosts } = this.#options;
    const all = entries(registry.state)
      .filter((entry) => model === undefined || entry.model === model)
      .map((entry) => ({
        key: keyOf(entry.model, entry.record.version),
        item: this.#stats(entry.model, entry.record),
      }));
    const { items, next } = pageOf(all, cursor);
    return {
      uptimeMs: Math.round(clock.monotonicMs() - this.#startedMs),
      models: [...items],
      capture: capture.stats(),
      controlStarts: machine.controlStarts,
      hostRestarts: hosts.restarts,
      ...(hosts.confinement === undefined ? {} : { hostConfinement: hosts.confinement.phrase }),
      ...(hosts.spareBytes === undefined ? {} : { spareHostBytes: Math.round(hosts.spareBytes) }),
      ...(next === undefined ? {} : { next }),
    };
  }

  /** What computes a version that is loaded; undefined: the agent's own ONNX Runtime on the CPU. */
  engine(model: string, version: string): EngineReport | undefined {
    return this.#options.served.find(model, version)?.hosted?.report.engine;
  }

  /** One version as a listing has it. */
  summary(model: string, version: string): ModelSummary {
    const record = select(this.#options.registry.state, model, { version });
    return this.#summary(model, record, REASON_MAX_CHARS);
  }

  #summary(model: string, record: VersionRecord, reasonMaxChars: number): ModelSummary {
    const found = findModel(this.#options.registry.state, model);
    const slot = this.#options.served.find(model, record.version);
    const reason =
      record.quarantined ??
      record.rolledBack ??
      record.refused ??
      (slot?.hosted === undefined ? slot?.lastError?.message : undefined) ??
      this.#options.unadmitted.reasonOf(model, record.version);
    const revoked = this.#options.trust.isRevoked(model, record.version);
    return {
      name: model,
      version: record.version,
      digest: record.digest,
      labels: found === undefined ? [] : [...labelsOf(found, record.version)],
      state: this.#state(model, record),
      ...(record.pinned === undefined ? {} : { pinned: record.pinned }),
      ...(revoked ? { revoked } : {}),
      ...(reason === undefined ? {} : { reason: reason.slice(0, reasonMaxChars) }),
    };
  }

  #state(model: string, record: VersionRecord): ModelState {
    const slot = this.#options.served.find(model, record.version);
    if (record.quarantined !== undefined) return 'QUARANTINED';
    if (record.rolledBack !== undefined) return 'ROLLED_BACK';
    if (!record.admitted) return 'FAILED';
    if (slot?.hosted !== undefined) {
      if (slot.retiring) return 'RETIRING';
      const judged = onProbation(this.#options.registry.state, model);
      return judged?.version === record.version ? 'PROBATION' : 'SERVING';
    }
    if (slot?.loading !== undefined) return 'LOADING';
    return slot?.lastError === undefined ? 'UNLOADED' : 'FAILED';
  }

  #stats(model: string, record: VersionRecord): ModelStats {
    const counters = this.#options.counters.of(keyOf(model, record.version));
    const slot = this.#options.served.find(model, record.version);
    const { running, queued } = this.#options.counters.load(keyOf(model, record.version));
    return {
      name: model,
      version: record.version,
      state: this.#state(model, record),
      requests: counters.requests,
      errors: counters.errors,
      errorsByCode: { ...counters.errorsByCode },
      inFlight: running,
      queued,
      ...(slot?.hosted === undefined ? {} : { memoryBytes: Math.round(slot.bytes) }),
      ...(slot?.hosted?.report.engine === undefined ? {} : { provider: slot.hosted.report.engine.provider }),
      ...(counters.lastInferenceMs === undefined ? {} : { lastInferenceMs: counters.lastInferenceMs }),
      ...(counters.lastSampleMs === undefined ? {} : { lastSampleMs: counters.lastSampleMs }),
      queue: counters.queue.summary(),
      run: counters.run.summary(),
      total: counters.total.summary(),
    };
  }
}

function engineOf({ language, version, provider, missing }: EngineReport): ModelEngine {
  return { language, version, provider, ...(missing === undefined ? {} : { missing: { ...missing } }) };
}

function copyTensors(tensors: readonly TensorMetadata[]): ModelDescription['inputs'] {
  return tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape: [...shape] }));
}
