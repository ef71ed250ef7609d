import { messageOf, toEdgeError } from '../../core/mod.js';
import { entries, findVersion, packagesInUse, updateVersion, type VersionRecord } from '../registry/mod.js';
import type { AgentDependencies } from './context.js';
import type { ServedModels } from './served-models.js';

/** Which packages the agent holds copies of. */
export class PackageKeeper {
  readonly #dependencies: AgentDependencies;
  readonly #served: ServedModels;
  /** Copies of packages that are on their way into the registry. */
  readonly #held = new Set<string>();

  constructor(dependencies: AgentDependencies, served: ServedModels) {
    this.#dependencies = dependencies;
    this.#served = served;
  }

  /** Runs an admission during which the package's copy is not swept, whatever other models do meanwhile. */
  async holding<T>(digest: string, act: () => Promise<T>): Promise<T> {
    this.#held.add(digest);
    try {
      return await act();
    } finally {
      this.#held.delete(digest);
    }
  }

  /**
   * Takes the agent's own copy, so that what is verified is what runs, whatever becomes of the source.
   * @returns the record as it is then; without a copy where there is no room for one
   */
  async keep(model: string, record: VersionRecord): Promise<VersionRecord> {
    const { packages, logger } = this.#dependencies;
    const origin = { model, component: record.component, source: record.source };
    try {
      await packages.adopt(origin, record.digest, this.inUse());
      return { ...record, kept: true };
    } catch (thrown) {
      const error = toEdgeError(thrown, 'Cannot keep a copy of the package');
      if (error.code !== 'RESOURCE_EXHAUSTED') throw error;
      // It serves from its source then; only the store's clean-up can hurt it.
      logger.warn("Package served without a copy of the agent's own", { model, reason: error.message });
      return { ...record, kept: false };
    }
  }

  /** Deletes the copy of a refused package, unless something else uses it. Call it outside `holding`. */
  async drop(model: string, digest: string): Promise<void> {
    if (!this.inUse().has(digest)) await this.#dependencies.packages.remove(model, digest);
  }

  /** Deletes package copies that no label needs. */
  async sweep(): Promise<void> {
    const { registry, packages, logger } = this.#dependencies;
    try {
      await packages.sweep(() => this.inUse());
      await registry.update((state) => {
        const inUse = this.inUse();
        return entries(state)
          .filter(({ record }) => record.kept && !inUse.has(record.digest))
          .reduce(
            (next, { model, record }) =>
              updateVersion(next, model, record.version, (old) => ({ ...old, kept: false })),
            state,
          );
      });
    } catch (thrown) {
      logger.warn('Old package copies could not be deleted', { reason: messageOf(thrown) });
    }
  }

  /** Digests whose copies must stay: labelled, in memory, or on their way there. */
  inUse(): ReadonlySet<string> {
    const { registry } = this.#dependencies;
    const digests = new Set([...packagesInUse(registry.state), ...this.#held]);
    for (const slot of this.#served.slots) {
      if (slot.hosted !== undefined) digests.add(slot.hosted.report.digest);
      const record = findVersion(registry.state, slot.model, slot.version);
      if (slot.loading !== undefined && record !== undefined) digests.add(record.digest);
    }
    return digests;
  }
}
