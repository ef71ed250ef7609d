import { messageOf, type Logger } from '../../core/mod.js';
import { keyOf } from '../plan/mod.js';
import { entries, forgetIdle, type Registry } from '../registry/mod.js';
import type { PackageKeeper } from './package-keeper.js';

/** What holds something for each version, by `<name>@<version>`. */
export interface Holder {
  readonly keys: readonly string[];
  /** Lets go of what it holds for a version; whatever is in use stays until the next time. */
  forget(key: string): void;
}

export interface ForgettingOptions {
  readonly registry: Registry;
  readonly packages: Pick<PackageKeeper, 'inUse' | 'isHeld' | 'sweep'>;
  readonly logger: Logger;
  /** Slots: a version that has one is in use, so the others hold on to it as well. */
  readonly served: Holder;
  readonly others: readonly Holder[];
}

/**
 * The one way in which a device forgets versions. The registry decides by its retention rule; slots, queues, counters,
 * probation, package copies and compiled graphs follow: each of them holds only what the registry knows, and what
 * is in use or on its way there. So nothing grows with the number of updates.
 */
export class Forgetting {
  readonly #options: ForgettingOptions;

  constructor(options: ForgettingOptions) {
    this.#options = options;
  }

  /** Forgets what nothing needs any more. A disk that fails is logged: the next time finds the same. */
  async perform(): Promise<void> {
    const { registry, packages, logger } = this.#options;
    try {
      const before = registry.state;
      const after = await registry.update((state) => forgetIdle(state, packages.inUse()));
      this.#follow();
      if (after !== before) await packages.sweep();
    } catch (thrown) {
      logger.warn('Old versions could not be forgotten', { reason: messageOf(thrown) });
    }
  }

  #follow(): void {
    const { registry, packages, served, others } = this.#options;
    const known = new Set(entries(registry.state).map(({ model, record }) => keyOf(model, record.version)));
    const isGone = (key: string): boolean => !known.has(key) && !packages.isHeld(key);
    for (const key of served.keys.filter(isGone)) served.forget(key);
    const inUse = new Set(served.keys);
    for (const holder of others)
      for (const key of holder.keys) if (isGone(key) && !inUse.has(key)) holder.forget(key);
  }
}
