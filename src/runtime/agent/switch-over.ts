import { STABLE } from '../../contract/mod.js';
import { EdgeError, type Clock, type Logger } from '../../core/mod.js';
import { checkAdmission, type PackageSignature } from '../../model/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import type { Announced } from '../packages/mod.js';
import { admittedDigests, keyOf, newestAdmitted } from '../plan/mod.js';
import type { HostedModel, LoadReport } from '../host/port/mod.js';
import { findModel, promote, type Registry, type VersionRecord } from '../registry/mod.js';
import { signatureText } from './admission-records.js';
import { AGENT_VERSION, type Machine } from './context.js';
import type { Events } from './events.js';
import type { LoadSpecs } from './load-specs.js';
import type { ModelManager } from './model-manager.js';
import type { ProbationWatch } from './probation-watch.js';
import type { ServedModels } from './served-models.js';

export interface SwitchOverOptions {
  readonly registry: Registry;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly machine: Pick<Machine, 'platform'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly specs: Pick<LoadSpecs, 'forRecord'>;
  readonly served: Pick<ServedModels, 'slot' | 'find' | 'trial' | 'keep' | 'retire'>;
  readonly manager: Pick<ModelManager, 'makeRoom' | 'budgetBytes' | 'reconcile'>;
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
    const { registry, served, manager, specs, clock } = this.#options;
    const model = announced.manifest.name;
    const before = findModel(registry.state, model);
    const former = { stable: before?.labels[STABLE], fallback: before?.probationAgainst };
    const slot = served.slot(model, record.version);
    await manager.makeRoom(slot, former.stable === undefined ? undefined : keyOf(model, former.stable));
    const spec = await specs.forRecord(model, record);
    let startedMs = 0;
    await served.trial(slot, { ...spec, runSamples: true }, async (hosted) => {
      await this.#judge(announced, record, former.stable, hosted);
      startedMs = clock.monotonicMs();
      await this.#promote(model, record, hosted.report, former.stable !== undefined);
    });
    served.keep(slot);
    const switchMs = clock.monotonicMs() - startedMs;
    this.#switched(model, record.version, former);
    return Math.round(switchMs * 1000) / 1000;
  }

  /**
   * Whether the package may serve here, by what it says of itself.
   * @throws EdgeError where it may not
   */
  check(announced: Announced, signature: PackageSignature): void {
    const { registry, machine } = this.#options;
    const model = announced.manifest.name;
    checkAdmission(
      { ...announced, signature },
      {
        runtimeVersion: AGENT_VERSION,
        platform: machine.platform,
        newestVersion: newestAdmitted(registry.state, model),
        servedDigests: admittedDigests(registry.state, model),
      },
    );
  }

  async #judge(
    announced: Announced,
    record: VersionRecord,
    stable: string | undefined,
    hosted: HostedModel,
  ): Promise<void> {
    const { report } = hosted;
    // What the host read must be what was announced.
    if (report.digest !== record.digest || report.version !== record.version) {
      throw new EdgeError('PACKAGE_CHANGED', 'Cannot admit the package as it changed while it was read');
    }
    this.check({ ...announced, digest: record.digest }, report.signature);
    this.#logOtherTensors(announced.manifest.name, stable, report);
    await this.#checkMemory(hosted);
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

  async #checkMemory(hosted: HostedModel): Promise<void> {
    const bytes = await hosted.measureBytes();
    const { budgetBytes } = this.#options.manager;
    if (bytes <= budgetBytes) return;
    throw new EdgeError(
      'MEMORY_BUDGET',
      `Cannot admit the package as its model takes ${bytes} bytes and the memory budget is ${budgetBytes}`,
      { nextStep: 'Raise memoryBudgetMb' },
    );
  }
}
