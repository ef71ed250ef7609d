import { EdgeError, messageOf } from '../../core/mod.js';
import { makeRoom, plan, roleOf, shortage, type Candidate, type Step } from '../plan/mod.js';
import type { HostedModel } from '../host/port/mod.js';
import { entries, findVersion, updateVersion } from '../registry/mod.js';
import { withDigests } from './admission-records.js';
import type { AgentDependencies } from './context.js';
import type { Events } from './events.js';
import { LoadSpecs } from './load-specs.js';
import { PackageKeeper } from './package-keeper.js';
import { ServedModels, type Slot } from './served-models.js';
import { VersionFailures } from './version-failures.js';

const MEBIBYTE = 1024 * 1024;

/**
 * Keeps in memory what the registry says should serve: plans, and carries the steps out one after another.
 * The registry decides (it is on disk before anything switches), memory follows.
 */
export class ModelManager {
  readonly served: ServedModels;
  readonly specs: LoadSpecs;
  readonly packages: PackageKeeper;
  readonly failures: VersionFailures;
  readonly #dependencies: AgentDependencies;
  readonly #events: Events;
  readonly #forget: () => Promise<void>;
  #reconciling: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  /** @param forget lets go of versions that nothing needs; called when a round of plans is carried out */
  constructor(dependencies: AgentDependencies, events: Events, forget: () => Promise<void>) {
    this.#dependencies = dependencies;
    this.#events = events;
    this.#forget = forget;
    this.specs = new LoadSpecs(dependencies);
    const { hosts, clock, logger } = dependencies;
    this.served = new ServedModels({
      hosts,
      clock,
      logger,
      spec: (model, version) => this.specs.of(model, version),
      makeRoom: (slot) => this.makeRoom(slot, undefined),
      onLoaded: (slot, hosted) => this.#loaded(slot, hosted),
      onDeath: (slot, exit, runs) => this.failures.died(slot, exit, runs),
      onLoadFailed: (slot, error, died) => this.failures.loadFailed(slot, error, died && !this.#stopped),
      onIdle: (slot) => {
        if (slot.retiring) this.reconcile();
      },
    });
    this.packages = new PackageKeeper(dependencies, this.served);
    const { served } = this;
    this.failures = new VersionFailures({ dependencies, events, served, reconcile: () => this.reconcile() });
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
    const short = shortage(this.#planInput(), slot.bytes);
    if (short === undefined) return;
    throw new EdgeError(
      'MEMORY_BUDGET',
      `Cannot load ${slot.key} as it needs ${megabytes(slot.bytes)} and ${megabytes(short.freeBytes)} of the budget of ${megabytes(this.budgetBytes)} are free: the other models are pinned or in use`,
      { retryAfterMs: 1000 },
    );
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
      await this.#forget();
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
      role: roleOf(registry.state, slot.model, slot.version, slot.retiring),
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
    if (record !== undefined && withDigests(record, report) !== record) {
      this.failures.update((state) =>
        updateVersion(state, slot.model, slot.version, (old) => withDigests(old, report)),
      );
    }
    void this.served.measureOne(slot).then(() => this.reconcile());
  }
}

function statusOf(slot: Slot): Candidate['status'] {
  if (slot.hosted !== undefined) return slot.pending > 0 ? 'busy' : 'loaded';
  return slot.loading === undefined ? 'unloaded' : 'loading';
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / MEBIBYTE)} MB`;
}
