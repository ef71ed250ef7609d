import { messageOf, type EdgeError } from '../../core/mod.js';
import type { HostExit } from '../host/port/mod.js';
import {
  countTry,
  findModel,
  findVersion,
  QUARANTINE_TRIES,
  rollBack,
  settle,
  type RegistryState,
} from '../registry/mod.js';
import type { AgentDependencies } from './context.js';
import type { Events } from './events.js';
import type { ServedModels, Slot } from './served-models.js';

/** Runs after which a freshly loaded version counts as one that does not kill its host. */
const SETTLED_RUNS = 3;

export interface VersionFailuresOptions {
  readonly dependencies: AgentDependencies;
  readonly events: Events;
  readonly served: ServedModels;
  /** Plans anew, as what should be in memory may have changed. */
  readonly reconcile: () => void;
}

/**
 * What follows when a version fails while it should serve: deaths are counted against its package, the second one
 * quarantines it, and the version before it takes over.
 */
export class VersionFailures {
  readonly #options: VersionFailuresOptions;

  constructor(options: VersionFailuresOptions) {
    this.#options = options;
  }

  /** A run ended well: a version that was suspected of killing its host has proved itself. */
  ran(slot: Slot): void {
    slot.runs++;
    if (slot.runs !== SETTLED_RUNS) return;
    const record = findVersion(this.#options.dependencies.registry.state, slot.model, slot.version);
    if (record !== undefined && record.tries > 0) {
      this.update((state) => settle(state, slot.model, slot.version));
    }
  }

  died(slot: Slot, exit: HostExit, runs: number): void {
    const { dependencies, events, reconcile } = this.#options;
    const { model, version, key } = slot;
    const reason = exit.sentence;
    dependencies.logger.error('Model host ended', { model: key, kind: exit.kind, reason });
    events.model({ type: 'HOST_RESTARTED', model, version, reason });
    // A deadline that its caller chose too short must not count against the package.
    if (runs < SETTLED_RUNS && exit.kind !== 'killed-deadline') this.#blame(slot, reason);
    else reconcile();
  }

  loadFailed(slot: Slot, error: EdgeError, died: boolean): void {
    const { logger, clock } = this.#options.dependencies;
    logger.error('Model cannot be loaded', { model: slot.key, code: error.code, reason: error.message });
    if (died) this.#blame(slot, error.message);
    else if (error.code === 'FAILED_PRECONDITION') void this.#giveWay(slot, error.message);
    const waitMs = Math.max(0, slot.nextTryMs - clock.monotonicMs());
    clock.after(waitMs, () => this.#options.reconcile(), { unref: true });
  }

  /**
   * Makes the version before serve again, at once.
   * @returns false where there is none
   */
  async rollBack(model: string, reason: string): Promise<boolean> {
    const { dependencies, events, served, reconcile } = this.#options;
    const { registry, logger } = dependencies;
    const before = findModel(registry.state, model);
    const failed = before?.labels['stable'];
    const target = before?.probationAgainst ?? before?.labels['previous'];
    if (failed === undefined || target === undefined) return false;
    const fallback = findVersion(registry.state, model, target);
    if (fallback?.admitted !== true || fallback.quarantined !== undefined) return false;
    const slot = served.slot(model, target);
    slot.retiring = false;
    await served.ensure(slot);
    await registry.update((state) => rollBack(state, model, reason));
    served.slot(model, failed).retiring = true;
    logger.error('Model rolled back', { model, from: failed, to: target, reason });
    events.model({ type: 'ROLLED_BACK', model, version: target, from: failed, reason });
    reconcile();
    return true;
  }

  /** Changes the registry, and then acts; a disk that fails is logged. */
  update(change: (state: RegistryState) => RegistryState, then: () => void = () => undefined): void {
    const { registry, logger } = this.#options.dependencies;
    registry
      .update(change)
      .then(then)
      .catch((thrown: unknown) => {
        logger.error('The registry cannot be written', { reason: messageOf(thrown) });
      });
  }

  /** Counts a death of the host against the package, and quarantines it at the second. */
  #blame(slot: Slot, reason: string): void {
    const { dependencies, events, reconcile } = this.#options;
    const { model, version } = slot;
    this.update(
      (state) => countTry(state, model, version, reason),
      () => {
        const record = findVersion(dependencies.registry.state, model, version);
        if (record?.quarantined !== undefined && record.tries === QUARANTINE_TRIES) {
          events.model({ type: 'QUARANTINED', model, version, reason });
          void this.#giveWay(slot, reason);
        }
        reconcile();
      },
    );
  }

  /** A stable version that can't run gives way to the one before it. */
  async #giveWay({ model, version }: Slot, reason: string): Promise<void> {
    const { registry, logger } = this.#options.dependencies;
    if (findModel(registry.state, model)?.labels['stable'] !== version) return;
    try {
      await this.rollBack(model, reason);
    } catch (thrown) {
      logger.error('The version before cannot be loaded either', { model, reason: messageOf(thrown) });
    }
  }
}
