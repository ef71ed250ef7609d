import { messageOf, type Clock, type EdgeError, type Logger } from '../../core/mod.js';
import type { HostExit } from '../host/port/mod.js';
import { countTry, findVersion, QUARANTINE_TRIES, settle, type Registry } from '../registry/mod.js';
import type { Events } from './events.js';
import { changeSoon } from './registry-changes.js';
import type { Rollback } from './rollback.js';
import type { Slot } from './slot.js';

/** Runs after which a freshly loaded version counts as one that does not kill its host. */
const SETTLED_RUNS = 3;

export interface VersionFailuresOptions {
  readonly registry: Registry;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly rollback: Pick<Rollback, 'perform'>;
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
  ran({ model, version, runs }: Slot): void {
    if (runs !== SETTLED_RUNS) return;
    const { registry, logger } = this.#options;
    const record = findVersion(registry.state, model, version);
    if (record !== undefined && record.tries > 0) {
      changeSoon(registry, logger, (state) => settle(state, model, version));
    }
  }

  died(slot: Slot, exit: HostExit): void {
    const { logger, events, reconcile } = this.#options;
    const { model, version, key, runs } = slot;
    const reason = exit.sentence;
    logger.error('Model host ended', { model: key, kind: exit.kind, reason });
    events.model({ type: 'HOST_RESTARTED', model, version, reason });
    // A deadline that its caller chose too short must not count against the package.
    if (runs < SETTLED_RUNS && exit.kind !== 'killed-deadline') this.#blame(slot, reason);
    else reconcile();
  }

  /** @param died whether the load killed its host */
  loadFailed(slot: Slot, error: EdgeError, died: boolean): void {
    const { logger, clock } = this.#options;
    logger.error('Model cannot be loaded', { model: slot.key, code: error.code, reason: error.message });
    if (died) this.#blame(slot, error.message);
    else if (error.code === 'FAILED_PRECONDITION') void this.#giveWay(slot, error.message);
    const waitMs = Math.max(0, slot.nextTryMs - clock.monotonicMs());
    clock.after(waitMs, () => this.#options.reconcile(), { unref: true });
  }

  /** Counts a death of the host against the package, and quarantines it at the second. */
  #blame(slot: Slot, reason: string): void {
    const { registry, logger, events, reconcile } = this.#options;
    const { model, version } = slot;
    const count = (): void => {
      const record = findVersion(registry.state, model, version);
      if (record?.quarantined !== undefined && record.tries === QUARANTINE_TRIES) {
        events.model({ type: 'QUARANTINED', model, version, reason });
        void this.#giveWay(slot, reason);
      }
      reconcile();
    };
    changeSoon(registry, logger, (state) => countTry(state, model, version, reason), count);
  }

  /** A stable version that can't run gives way to the one before it. */
  async #giveWay({ model, version }: Slot, reason: string): Promise<void> {
    const { logger, rollback } = this.#options;
    try {
      await rollback.perform(model, version, reason);
    } catch (thrown) {
      logger.error('The version before cannot be loaded either', { model, reason: messageOf(thrown) });
    }
  }
}
