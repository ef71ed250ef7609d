import { EdgeError, MEBIBYTE, messageOf, type Clock, type Logger } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import { makeRoom, plan, roleOf, shortage, type Candidate, type Step } from '../plan/mod.js';
import type { HostedModel } from '../host/port/mod.js';
import { entries, findVersion, updateVersion, type Registry } from '../registry/mod.js';
import { withDigests } from './admission-records.js';
import type { Machine } from './context.js';
import type { Events } from './events.js';
import type { PackageKeeper } from './package-keeper.js';
import { changeSoon } from './registry-changes.js';
import type { ServedModels } from './served-models.js';
import type { Slot } from './slot.js';
import type { TrustWatch } from './trust-watch.js';

export interface ModelManagerOptions {
  readonly registry: Registry;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly machine: Pick<Machine, 'memoryBytes'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly served: ServedModels;
  readonly packages: Pick<PackageKeeper, 'sweep'>;
  readonly trust: Pick<TrustWatch, 'isBarred'>;
  /** Lets go of versions that nothing needs; called when a round of plans is carried out. */
  readonly forget: () => Promise<void>;
}

/**
 * Keeps in memory what the registry says should serve: plans, and carries the steps out one after another.
 * The registry decides (it is on disk before anything switches), memory follows.
 */
export class ModelManager {
  readonly #options: ModelManagerOptions;
  #reconciling: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: ModelManagerOptions) {
    this.#options = options;
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

  /** Resolves when nothing is left to do for now, loads of one model or of all included. */
  async settled(only?: string): Promise<void> {
    for (;;) {
      const loads = this.#options.served.slots.flatMap(({ model, loading }) =>
        loading === undefined || (only !== undefined && only !== model) ? [] : [loading],
      );
      if (this.#reconciling === undefined && loads.length === 0) return;
      await Promise.allSettled([this.#reconciling, ...loads]);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#options.served.close();
  }

  /** Host settings changed: loads every model again. */
  async renewAll(): Promise<void> {
    const { served, logger } = this.#options;
    for (const slot of served.slots) {
      try {
        await served.renew(slot);
      } catch (thrown) {
        logger.error('A model keeps its former host settings', {
          model: slot.key,
          reason: messageOf(thrown),
        });
      }
    }
  }

  /** A version is in memory: remembers what its host found. */
  loaded(slot: Slot, { report }: HostedModel): void {
    const { logger, registry, served } = this.#options;
    const { model, version } = slot;
    logger.info('Model loaded', {
      model: slot.key,
      loadMs: report.loadMs,
      verifyMs: report.verifyMs,
      cacheHit: report.cacheHit,
      signature: report.signature,
      ...(report.engine === undefined ? {} : { engine: report.engine }),
    });
    const record = findVersion(registry.state, model, version);
    if (record !== undefined && withDigests(record, report) !== record) {
      changeSoon(registry, logger, (state) =>
        updateVersion(state, model, version, (old) => withDigests(old, report)),
      );
    }
    void served.measureOne(slot).then(() => this.reconcile());
  }

  /**
   * Unloads least recently used models until `slot` fits, as far as its size is known.
   * @param except a key that stays, whatever its use
   */
  async makeRoom(slot: Slot, except?: string): Promise<void> {
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
    const { configuration, machine } = this.#options;
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
      await this.#options.forget();
    } while (this.#again);
  }

  /** One short executor per step. A step that fails is logged: the next round plans from what is. */
  async #act(step: Step): Promise<void> {
    const { served } = this.#options;
    const slot = served.slots.find(({ key }) => key === step.key);
    if (slot === undefined) return;
    switch (step.kind) {
      case 'load':
        // Side by side: a package that takes its time must not hold up the others.
        void served.ensure(slot).catch(() => undefined);
        break;
      case 'unload':
        if (slot.pending === 0) await this.#unload(slot, step.why);
        break;
    }
  }

  async #unload(slot: Slot, why: Extract<Step, { kind: 'unload' }>['why']): Promise<void> {
    const { served, packages, logger, events } = this.#options;
    const { retiring } = slot;
    await served.unload(slot, why === 'memory');
    logger.info('Model unloaded', { model: slot.key, why });
    events.model({ type: 'UNLOADED', model: slot.model, version: slot.version, reason: why });
    if (retiring) await packages.sweep();
  }

  #planInput() {
    const { registry, configuration, clock, served, trust } = this.#options;
    const now = clock.monotonicMs();
    for (const { model, record } of entries(registry.state)) {
      if (record.admitted) served.slot(model, record.version);
    }
    const candidates = served.slots.map((slot): Candidate => ({
      key: slot.key,
      role: trust.isBarred(slot.model, slot.version)
        ? 'barred'
        : roleOf(registry.state, slot.model, slot.version, slot.retiring),
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
}

function statusOf(slot: Slot): Candidate['status'] {
  if (slot.hosted !== undefined) return slot.pending > 0 ? 'busy' : 'loaded';
  return slot.loading === undefined ? 'unloaded' : 'loading';
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / MEBIBYTE)} MB`;
}
