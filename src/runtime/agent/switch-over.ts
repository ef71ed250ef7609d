import { STABLE } from '../../contract/mod.js';
import type { Clock, Logger } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import type { Announced } from '../packages/mod.js';
import { keyOf } from '../plan/mod.js';
import type { LoadReport } from '../host/port/mod.js';
import { findModel, promote, type Registry, type VersionRecord } from '../registry/mod.js';
import { signatureText } from './admission-records.js';
import type { AdmissionRules } from './admission-rules.js';
import type { Events } from './events.js';
import { hostLimitMb } from './host-limits.js';
import type { LoadSpecs } from './load-specs.js';
import type { ModelManager } from './model-manager.js';
import type { ProbationWatch } from './probation-watch.js';
import type { ServedModels } from './served-models.js';

export interface SwitchOverOptions {
  readonly registry: Registry;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly rules: Pick<AdmissionRules, 'judge'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly specs: Pick<LoadSpecs, 'forRecord'>;
  readonly served: Pick<ServedModels, 'slot' | 'find' | 'trial' | 'keep' | 'retire'>;
  readonly manager: Pick<ModelManager, 'makeRoom' | 'reconcile'>;
  readonly probation: Pick<ProbationWatch, 'check'>;
}

/** The version that serves, and what it would go back to, before a switch. */
interface Former {
  readonly stable: string | undefined;
  readonly fallback: string | undefined;
}

/**
 * From the version that serves to another: loaded beside it, judged by what its host found, then switched at once.
 * Whatever fails before the registry is on disk leaves everything as it was. It happens in the model's turn.
 */
export class SwitchOver {
  readonly #options: SwitchOverOptions;

  constructor(options: SwitchOverOptions) {
    this.#options = options;
  }

  /**
   * Loads a version beside the one that serves, judges it, and switches.
   * @returns milliseconds of the switch itself
   * @throws EdgeError where it may not serve, or does not do as it promised
   */
  async perform(announced: Announced, record: VersionRecord): Promise<number> {
    const { registry, served, manager, specs, clock, rules } = this.#options;
    const model = announced.manifest.name;
    const before = findModel(registry.state, model);
    const former = { stable: before?.labels[STABLE], fallback: before?.probationAgainst };
    const slot = served.slot(model, record.version);
    await manager.makeRoom(slot, former.stable === undefined ? undefined : keyOf(model, former.stable));
    const spec = await specs.forRecord(model, record);
    let startedMs = 0;
    await served.trial(slot, { ...spec, runSamples: true }, async (hosted) => {
      const bytes = await rules.judge(model, announced, record, hosted);
      const measured = { ...record, hostLimitMb: hostLimitMb(bytes) };
      this.#logOtherTensors(model, former.stable, hosted.report);
      startedMs = clock.monotonicMs();
      await this.#promote(model, measured, hosted.report, former.stable !== undefined);
    });
    served.keep(slot);
    const switchMs = clock.monotonicMs() - startedMs;
    this.#switched(model, record.version, former);
    return Math.round(switchMs * 1000) / 1000;
  }

  async #promote(
    model: string,
    record: VersionRecord,
    { compiledDigest, signature }: LoadReport,
    replaces: boolean,
  ): Promise<void> {
    const { registry, configuration, clock } = this.#options;
    const proved: VersionRecord = {
      ...record,
      signature: signatureText(signature),
      tries: 0,
      admittedAtMs: clock.wallMs(),
      ...(compiledDigest === undefined ? {} : { compiledDigest }),
    };
    const probation = configuration.current.probation.enabled && replaces;
    await registry.update((state) => promote(state, model, proved, { probation }));
  }

  #switched(model: string, version: string, former: Former): void {
    const { registry, events, served, probation, manager } = this.#options;
    const replaced = former.stable === version ? undefined : former.stable;
    events.model({ type: 'ADMITTED', model, version });
    events.model({
      type: 'SWITCHED',
      model,
      version,
      ...(replaced === undefined ? {} : { from: replaced }),
    });
    // What nothing would go back to any more finishes its requests and goes.
    const fallback = findModel(registry.state, model)?.probationAgainst;
    for (const one of [replaced, former.fallback]) {
      if (one !== undefined && one !== version && one !== fallback) served.retire(model, one);
    }
    // Its counts begin here, with its first request.
    probation.check(model);
    manager.reconcile();
  }

  #logOtherTensors(model: string, stable: string | undefined, report: LoadReport): void {
    const { served, logger } = this.#options;
    const before = stable === undefined ? undefined : served.find(model, stable)?.hosted?.report;
    if (before === undefined) return;
    const of = ({ inputs, outputs }: LoadReport): string => JSON.stringify([inputs, outputs]);
    if (of(before) === of(report)) return;
    logger.warn('The new version has other inputs or outputs', {
      model,
      from: before.version,
      to: report.version,
      before: of(before),
      after: of(report),
    });
  }
}
