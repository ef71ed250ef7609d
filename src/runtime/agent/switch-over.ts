import { EdgeError } from '../../core/mod.js';
import { checkAdmission, type Manifest, type PackageSignature } from '../../model/mod.js';
import type { Announced } from '../packages/mod.js';
import { admittedDigests, keyOf, newestAdmitted } from '../plan/mod.js';
import type { HostedModel } from '../host/port/mod.js';
import { findModel, promote, type VersionRecord } from '../registry/mod.js';
import { signatureOf } from './admission-records.js';
import { AGENT_VERSION, type AgentDependencies } from './context.js';
import type { Events } from './events.js';
import type { ModelManager } from './model-manager.js';
import type { ProbationWatch } from './probation-watch.js';

/**
 * From the version that serves to another: loaded beside it, judged by what its host found, then switched at once.
 * Whatever fails before the registry is on disk leaves everything as it was.
 */
export class SwitchOver {
  readonly #dependencies: AgentDependencies;
  readonly #manager: ModelManager;
  readonly #events: Events;
  readonly #probation: ProbationWatch;

  constructor(
    dependencies: AgentDependencies,
    manager: ModelManager,
    events: Events,
    probation: ProbationWatch,
  ) {
    this.#dependencies = dependencies;
    this.#manager = manager;
    this.#events = events;
    this.#probation = probation;
  }

  /**
   * Loads a version beside the one that serves, judges it, and switches.
   * @returns milliseconds of the switch itself
   * @throws EdgeError where it may not serve, or does not do as it promised
   */
  async perform({ manifest }: Announced, record: VersionRecord): Promise<number> {
    const { registry, hosts, configuration, clock } = this.#dependencies;
    const model = manifest.name;
    const before = findModel(registry.state, model);
    const stable = before?.labels['stable'];
    const slot = this.#manager.served.slot(model, record.version);
    await this.#manager.makeRoom(slot, stable === undefined ? undefined : keyOf(model, stable));
    const spec = await this.#manager.specs.forRecord(model, record);
    const hosted = slot.hosted ?? (await hosts.load({ ...spec, runSamples: true }));
    try {
      this.#checkLoaded(manifest, record, hosted);
      this.#logSignatureChange(model, stable, hosted);
      await this.#checkMemory(hosted);
      const startedMs = clock.monotonicMs();
      const { enabled } = configuration.current.probation;
      const { compiledDigest, signature } = hosted.report;
      await registry.update((state) =>
        promote(
          state,
          model,
          {
            ...record,
            signature,
            tries: 0,
            admittedAtMs: clock.wallMs(),
            ...(compiledDigest === undefined ? {} : { compiledDigest }),
          },
          { probation: enabled && stable !== undefined },
        ),
      );
      if (slot.hosted === undefined) this.#manager.served.adopt(slot, hosted);
      slot.retiring = false;
      const switchMs = clock.monotonicMs() - startedMs;
      this.#switched(model, record.version, stable, before?.probationAgainst);
      return Math.round(switchMs * 1000) / 1000;
    } catch (thrown) {
      if (slot.hosted !== hosted) await hosted.unload().catch(() => undefined);
      throw thrown;
    }
  }

  /**
   * Whether the package may serve here, by what it says of itself.
   * @throws EdgeError where it may not
   */
  check(announced: Announced, signature: PackageSignature): void {
    const { registry, machine } = this.#dependencies;
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

  #switched(
    model: string,
    version: string,
    from: string | undefined,
    formerFallback: string | undefined,
  ): void {
    const { registry } = this.#dependencies;
    const replaced = from === undefined || from === version ? undefined : from;
    this.#events.model({ type: 'ADMITTED', model, version });
    this.#events.model({
      type: 'SWITCHED',
      model,
      version,
      ...(replaced === undefined ? {} : { from: replaced }),
    });
    // What nothing would go back to any more finishes its requests and goes.
    const fallback = findModel(registry.state, model)?.probationAgainst;
    for (const former of [replaced, formerFallback]) {
      if (former === undefined || former === version || former === fallback) continue;
      this.#manager.served.slot(model, former).retiring = true;
    }
    // Its counts begin here, with its first request.
    this.#probation.check(model);
    this.#manager.reconcile();
  }

  /** What the host read is what was announced, and may serve here by what its signature says. */
  #checkLoaded(manifest: Manifest, record: VersionRecord, { report }: HostedModel): void {
    if (report.digest !== record.digest || report.version !== record.version) {
      throw new EdgeError('PACKAGE_CHANGED', 'Cannot admit the package as it changed while it was read');
    }
    this.check({ manifest, digest: record.digest }, signatureOf(report.signature));
  }

  #logSignatureChange(model: string, stable: string | undefined, { report }: HostedModel): void {
    const before =
      stable === undefined ? undefined : this.#manager.served.find(model, stable)?.hosted?.report;
    if (before === undefined) return;
    const of = ({ inputs, outputs }: typeof report): string => JSON.stringify([inputs, outputs]);
    if (of(before) === of(report)) return;
    this.#dependencies.logger.warn('The new version has other inputs or outputs', {
      model,
      from: before.version,
      to: report.version,
      before: of(before),
      after: of(report),
    });
  }

  async #checkMemory(hosted: HostedModel): Promise<void> {
    const bytes = await hosted.measureBytes();
    const { budgetBytes } = this.#manager;
    if (bytes <= budgetBytes) return;
    throw new EdgeError(
      'MEMORY_BUDGET',
      `Cannot admit the package as its model takes ${bytes} bytes and the memory budget is ${budgetBytes}`,
      { nextStep: 'Raise memoryBudgetMb' },
    );
  }
}
