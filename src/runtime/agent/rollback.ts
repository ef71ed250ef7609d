import { STABLE } from '../../contract/mod.js';
import { messageOf, type Logger, type SerialQueues } from '../../core/mod.js';
import {
  fallbackOf,
  findModel,
  findVersion,
  rollBack,
  type ModelRecord,
  type Registry,
} from '../registry/mod.js';
import type { Events } from './events.js';
import { changeIf } from './registry-changes.js';
import type { ServedModels } from './served-models.js';

export interface RollbackOptions {
  readonly registry: Registry;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly served: Pick<ServedModels, 'slot' | 'keep' | 'ensure' | 'retire'>;
  readonly turns: Pick<SerialQueues, 'run'>;
  /** Plans anew, as what should be in memory may have changed. */
  readonly reconcile: () => void;
}

/** The way back to the version before, at once: no network, nobody asked. */
export class Rollback {
  readonly #options: RollbackOptions;

  constructor(options: RollbackOptions) {
    this.#options = options;
  }

  /**
   * Takes back a stable version. Where another one has taken its place before its turn comes, that one serves on,
   * and what would have gone back to the failed version goes back to the one before it.
   * @returns false where there is no version to go back to
   * @throws EdgeError where that one cannot be loaded
   */
  async perform(model: string, failed: string, reason: string): Promise<boolean> {
    const { registry, turns } = this.#options;
    const before = findModel(registry.state, model);
    const to = before?.labels[STABLE] === failed ? fallbackOf(before) : undefined;
    if (to === undefined) return false;
    return await turns.run(model, async () => await this.#perform(model, failed, to, reason));
  }

  /**
   * Ends what a kill interrupted: a version that is quarantined and still stable gives way. To be called before
   * anything is served, as no version is loaded for it.
   */
  async finish(): Promise<void> {
    const { registry, logger } = this.#options;
    for (const [model, found] of Object.entries(registry.state.models)) {
      try {
        await this.#finish(model, found);
      } catch (thrown) {
        // A disk without room must not keep the other models from serving; the next start tries again.
        logger.error('An interrupted rollback cannot be ended', { model, reason: messageOf(thrown) });
      }
    }
  }

  async #finish(model: string, found: ModelRecord): Promise<void> {
    const { registry, logger, events } = this.#options;
    const from = found.labels[STABLE];
    const to = fallbackOf(found);
    if (from === undefined || to === undefined) return;
    const reason = findVersion(registry.state, model, from)?.quarantined;
    const fallback = findVersion(registry.state, model, to);
    if (reason === undefined || fallback?.admitted !== true || fallback.quarantined !== undefined) return;
    if (!(await changeIf(registry, (state) => rollBack(state, model, { from, to, reason })))) return;
    logger.error('Model rolled back', { model, from, to, reason });
    events.model({ type: 'ROLLED_BACK', model, version: to, from, reason });
  }

  async #perform(model: string, from: string, to: string, reason: string): Promise<boolean> {
    const { registry, served, logger, events, reconcile } = this.#options;
    const fallback = findVersion(registry.state, model, to);
    if (fallback?.admitted !== true || fallback.quarantined !== undefined) return false;
    const replaced = findModel(registry.state, model)?.labels[STABLE] !== from;
    if (!replaced) {
      const slot = served.slot(model, to);
      served.keep(slot);
      await served.ensure(slot);
    }
    if (!(await changeIf(registry, (state) => rollBack(state, model, { from, to, reason })))) return false;
    served.retire(model, from);
    if (replaced) logger.error('A version failed that has been replaced', { model, version: from, reason });
    else {
      logger.error('Model rolled back', { model, from, to, reason });
      events.model({ type: 'ROLLED_BACK', model, version: to, from, reason });
    }
    reconcile();
    return true;
  }
}
