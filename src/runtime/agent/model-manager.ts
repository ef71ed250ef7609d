import { EdgeError, messageOf } from '../../core/mod.js';
import { makeRoom, plan, type Candidate, type Role, type Step } from '../plan/mod.js';
import type { HostedModel, HostExit } from '../port.js';
import {
  countTry,
  entries,
  findModel,
  findVersion,
  QUARANTINE_TRIES,
  rollBack,
  settle,
  updateVersion,
} from '../registry/mod.js';
import type { AgentDependencies } from './context.js';
import type { Events } from './events.js';
import { LoadSpecs } from './load-specs.js';
import { PackageKeeper } from './package-keeper.js';
import { ServedModels, type Slot } from './served-models.js';

const MEBIBYTE = 1024 * 1024;
/** Runs after which a freshly loaded version counts as one that does not kill its host. */
const SETTLED_RUNS = 3;

/**
 * Keeps in memory what the registry says should serve: plans, and carries the steps out one after another.
 * The registry decides (it is on disk before anything switches), memory follows.
 */
export class ModelManager {
  readonly served: ServedModels;
  readonly specs: LoadSpecs;
  readonly packages: PackageKeeper;
  readonly #dependencies: AgentDependencies;
  readonly #events: Events;
  #reconciling: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(dependencies: AgentDependencies, events: Events) {
    this.#dependencies = dependencies;
    this.#events = events;
    this.specs = new LoadSpecs(dependencies);
    const { hosts, clock, logger } = dependencies;
    this.served = new ServedModels({
      hosts,
      clock,
      logger,
      spec: (model, version) => this.specs.of(model, version),
      makeRoom: (slot) => this.makeRoom(slot, undefined),
      onLoaded: (slot, hosted) => this.#loaded(slot, hosted),
      onDeath: (slot, exit, runs) => this.#died(slot, exit, runs),
      onLoadFailed: (slot, error, died) => this.#loadFailed(slot, error, died),
      onIdle: (slot) => {
        if (slot.retiring) this.reconcile();
      },
    });
    this.packages = new PackageKeeper(dependencies, this.served);
  }

  /** Plans and acts, soon. Calls while it acts lead to one more round. */
  reconcile(): void {
    if (this.#stopped) return;
    if (this.#reconciling !== undefined) {
      this.#again = true;
      return;
    }
    this.#reconciling = this.#rounds().finally(() => {
      this.#reconciling = undefined;
    });
  }

  /** Resolves when nothing is left to do for now, loads included. */
  async settled(): Promise<void> {
    for (;;) {
      const loads = this.served.slots.flatMap(({ loading }) => (loading === undefined ? [] : [loading]));
      if (this.#reconciling === undefined && loads.length === 0) return;
      await Promise.allSettled([this.#reconciling, ...loads]);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.served.close();
  }

  /** A run ended well: a version that was suspected of killing its host has proved itself. */
  ran(slot: Slot): void {
    slot.runs++;
    if (slot.runs !== SETTLED_RUNS) return;
    const record = findVersion(this.#dependencies.registry.state, slot.model, slot.version);
    if (record !== undefined && record.tries > 0) {
      this.#update((state) => settle(state, slot.model, slot.version));
    }
  }

  /**
   * Makes the version before serve again, at once.
   * @returns false where there is none
   */
  async rollBack(model: string, reason: string): Promise<boolean> {
    const { registry, logger } = this.#dependencies;
    const before = findModel(registry.state, model);
    const failed = before?.labels['stable'];
    const target = before?.probationAgainst ?? before?.labels['previous'];
    if (failed === undefined || target === undefined) return false;
    const fallback = findVersion(registry.state, model, target);
    if (fallback?.admitted !== true || fallback.quarantined !== undefined) return false;
    const slot = this.served.slot(model, target);
    slot.retiring = false;
    await this.served.ensure(slot);
    await registry.update((state) => rollBack(state, model, reason));
    this.served.slot(model, failed).retiring = true;
    logger.error('Model rolled back', { model, from: failed, to: target, reason });
    this.#events.model({ type: 'ROLLED_BACK', model, version: target, from: failed, reason });
    this.reconcile();
    return true;
  }

  /** Host settings changed: loads every model again, beside the former one, which ends with its last request. */
  async renewAll(): Promise<void> {
    const { hosts, logger } = this.#dependencies;
    for (const slot of this.served.slots) {
      const former = slot.hosted;
      if (former === undefined || this.#stopped) continue;
      try {
        const hosted = await hosts.load(await this.specs.of(slot.model, slot.version));
        if (slot.hosted !== former) {
          // It was unloaded, or its host died and it is loaded anew already.
          await hosted.unload();
          continue;
        }
        this.served.adopt(slot, hosted);
        await former.unload();
      } catch (thrown) {
        logger.error('A model keeps its former host settings', {
          model: slot.key,
          reason: messageOf(thrown),
        });
      }
    }
  }

  /**
   * Unloads least recently used models until `slot` fits, as far as its size is known.
   * @param except a key that stays, whatever its use
   */
  async makeRoom(slot: Slot, except: string | undefined): Promise<void> {
    const input = this.#planInput();
    const keys = makeRoom(input, slot.bytes, except);
    for (const key of keys) await this.#act({ kind: 'unload', key, why: 'memory' });
    const left = this.#planInput();
    if (slot.bytes === 0 || makeRoom(left, slot.bytes, undefined).length > 0) return;
    const used = left.candidates.filter(({ status }) => status === 'loaded' || status === 'busy');
    const usedBytes = used.reduce((sum, { bytes }) => sum + bytes, 0);
    if (!left.shared && usedBytes + slot.bytes > left.budgetBytes) {
      throw new EdgeError(
        'RESOURCE_EXHAUSTED',
        `Cannot load ${slot.key} as it needs ${megabytes(slot.bytes)} and ${megabytes(Math.max(0, left.budgetBytes - usedBytes))} of the budget of ${megabytes(left.budgetBytes)} are free: the other models are pinned or in use`,
        { retryAfterMs: 1000 },
      );
    }
  }

  /** Memory that all hosts may use together. */
  get budgetBytes(): number {
    const { configuration, machine } = this.#dependencies;
    const { memoryBudgetMb } = configuration.current;
    return memoryBudgetMb === 0 ? Math.floor(machine.memoryBytes / 2) : memoryBudgetMb * MEBIBYTE;
  }

  async #rounds(): Promise<void> {
    do {
      this.#again = false;
      for (const step of plan(this.#planInput())) {
        if (this.#stopped) return;
        await this.#act(step);
      }
    } while (this.#again);
  }

  /** One short executor per step. A step that fails is logged: the next round plans from what is. */
  async #act(step: Step): Promise<void> {
    const slot = this.served.slots.find(({ key }) => key === step.key);
    if (slot === undefined) return;
    const { logger } = this.#dependencies;
    switch (step.kind) {
      case 'load':
        // Side by side: a package that takes its time must not hold up the others.
        void this.served.ensure(slot).catch(() => undefined);
        break;
      case 'unload': {
        if (slot.pending > 0) return;
        slot.evicted = step.why === 'memory';
        const { retiring } = slot;
        await this.served.unload(slot);
        logger.info('Model unloaded', { model: slot.key, why: step.why });
        this.#events.model({ type: 'UNLOADED', model: slot.model, version: slot.version, reason: step.why });
        if (retiring) await this.packages.sweep();
        break;
      }
    }
  }

  #planInput() {
    const { registry, configuration, clock } = this.#dependencies;
    const now = clock.monotonicMs();
    for (const { model, record } of entries(registry.state)) {
      if (record.admitted) this.served.slot(model, record.version);
    }
    const candidates = this.served.slots.map((slot): Candidate => ({
      key: slot.key,
      role: this.#roleOf(slot),
      status: statusOf(slot),
      onDemandOnly: slot.evicted || now < slot.nextTryMs,
      lastUsedMs: slot.lastUsedMs,
      bytes: slot.bytes,
    }));
    return {
      candidates,
      budgetBytes: this.budgetBytes,
      shared: configuration.current.isolation === 'shared',
    };
  }

  #roleOf(slot: Slot): Role {
    const model = findModel(this.#dependencies.registry.state, slot.model);
    const record = model?.versions[slot.version];
    if (model === undefined || record === undefined) return 'barred';
    if (!model.wanted || record.quarantined !== undefined || !record.admitted) return 'barred';
    if (record.pinned === true) return 'pinned';
    if (model.labels['stable'] === slot.version) return 'serving';
    if (model.probationAgainst === slot.version) return 'fallback';
    return slot.retiring ? 'retiring' : 'spare';
  }

  #loaded(slot: Slot, hosted: HostedModel): void {
    const { logger, registry } = this.#dependencies;
    const { report } = hosted;
    logger.info('Model loaded', {
      model: slot.key,
      loadMs: report.loadMs,
      verifyMs: report.verifyMs,
      cacheHit: report.cacheHit,
      signature: report.signature,
    });
    const record = findVersion(registry.state, slot.model, slot.version);
    const { compiledDigest } = report;
    if (record !== undefined && compiledDigest !== undefined && compiledDigest !== record.compiledDigest) {
      this.#update((state) =>
        updateVersion(state, slot.model, slot.version, (old) => ({ ...old, compiledDigest })),
      );
    }
    void this.served.measureOne(slot).then(() => this.reconcile());
  }

  #died(slot: Slot, exit: HostExit, runs: number): void {
    this.#dependencies.logger.error('Model host ended', {
      model: slot.key,
      kind: exit.kind,
      reason: exit.sentence,
    });
    this.#events.model({
      type: 'HOST_RESTARTED',
      model: slot.model,
      version: slot.version,
      reason: exit.sentence,
    });
    // A deadline that its caller chose too short must not count against the package.
    if (runs < SETTLED_RUNS && exit.kind !== 'killed-deadline') this.#blame(slot, exit.sentence);
    else this.reconcile();
  }

  #loadFailed(slot: Slot, error: EdgeError, died: boolean): void {
    const { logger, clock } = this.#dependencies;
    logger.error('Model cannot be loaded', { model: slot.key, code: error.code, reason: error.message });
    if (died && !this.#stopped) this.#blame(slot, error.message);
    else if (error.code === 'FAILED_PRECONDITION') void this.#giveWay(slot, error.message);
    clock.after(Math.max(0, slot.nextTryMs - clock.monotonicMs()), () => this.reconcile(), { unref: true });
  }

  /** Counts a death of the host against the package, and quarantines it at the second. */
  #blame(slot: Slot, reason: string): void {
    this.#update(
      (state) => countTry(state, slot.model, slot.version, reason),
      () => {
        const record = findVersion(this.#dependencies.registry.state, slot.model, slot.version);
        if (record?.quarantined !== undefined && record.tries === QUARANTINE_TRIES) {
          this.#events.model({ type: 'QUARANTINED', model: slot.model, version: slot.version, reason });
          void this.#giveWay(slot, reason);
        }
        this.reconcile();
      },
    );
  }

  /** A stable version that can't run gives way to the one before it. */
  async #giveWay(slot: Slot, reason: string): Promise<void> {
    const stable = findModel(this.#dependencies.registry.state, slot.model)?.labels['stable'];
    if (stable !== slot.version) return;
    try {
      await this.rollBack(slot.model, reason);
    } catch (thrown) {
      this.#dependencies.logger.error('The version before cannot be loaded either', {
        model: slot.model,
        reason: messageOf(thrown),
      });
    }
  }

  #update(
    change: Parameters<AgentDependencies['registry']['update']>[0],
    then: () => void = () => undefined,
  ): void {
    this.#dependencies.registry
      .update(change)
      .then(then)
      .catch((thrown: unknown) => {
        this.#dependencies.logger.error('The registry cannot be written', { reason: messageOf(thrown) });
      });
  }
}

function statusOf(slot: Slot): Candidate['status'] {
  if (slot.hosted !== undefined) return slot.pending > 0 ? 'busy' : 'loaded';
  return slot.loading === undefined ? 'unloaded' : 'loading';
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / MEBIBYTE)} MB`;
}
