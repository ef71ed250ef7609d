import { messageOf, toEdgeError } from '../../core/mod.js';
import { CompiledFiles, type Announced } from '../packages/mod.js';
import { keyOf } from '../plan/mod.js';
import { entries, findVersion, packagesInUse, updateVersion, type VersionRecord } from '../registry/mod.js';
import { compiledFolder, type AgentDependencies } from './context.js';
import type { ServedModels } from './served-models.js';

/** A package on its way into the registry. */
export interface Arriving {
  /** `<name>@<version>`. */
  readonly key: string;
  readonly digest: string;
}

export function arrivingOf(model: string, { manifest, digest }: Announced): Arriving {
  return { key: keyOf(model, manifest.version), digest };
}

export type PackageKeeperDependencies = Pick<
  AgentDependencies,
  'packages' | 'registry' | 'logger' | 'machine'
>;

/** Files that are mapped while the model serves must be nobody else's. */
function hasWeights({ files }: Announced['manifest']): boolean {
  return files.some(({ role }) => role === 'weights');
}

/** Which packages the agent holds copies of, and the graphs that were compiled from them. */
export class PackageKeeper {
  readonly #dependencies: PackageKeeperDependencies;
  readonly #served: Pick<ServedModels, 'slots'>;
  readonly #compiled: CompiledFiles;
  readonly #held = new Set<Arriving>();

  constructor(dependencies: PackageKeeperDependencies, served: Pick<ServedModels, 'slots'>) {
    this.#dependencies = dependencies;
    this.#served = served;
    this.#compiled = new CompiledFiles(compiledFolder(dependencies.machine));
  }

  /** Runs an admission during which nothing of the package is swept, whatever other models do meanwhile. */
  async holding<T>(arriving: Arriving, act: () => Promise<T>): Promise<T> {
    this.#held.add(arriving);
    try {
      return await act();
    } finally {
      this.#held.delete(arriving);
    }
  }

  /** Whether a version is on its way into the registry. */
  isHeld(key: string): boolean {
    return [...this.#held].some((arriving) => arriving.key === key);
  }

  /**
   * Takes the agent's own copy, so that what is verified is what runs, whatever becomes of the source.
   * @returns the record as it is then; without a copy where there is no room for one
   * @throws EdgeError RESOURCE_EXHAUSTED without room for weights that ONNX Runtime opens by their path
   */
  async keep(model: string, record: VersionRecord, { manifest }: Announced): Promise<VersionRecord> {
    const { packages, logger } = this.#dependencies;
    const origin = { model, component: record.component, source: record.source };
    try {
      await packages.adopt(origin, record.digest, this.inUse());
      return { ...record, kept: true };
    } catch (thrown) {
      const error = toEdgeError(thrown, 'Cannot keep a copy of the package');
      if (error.code !== 'RESOURCE_EXHAUSTED' || hasWeights(manifest)) throw error;
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
      await this.#compiled.sweep(this.inUse());
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

  /** Digests whose copies must stay: labelled, in memory, asked for, or on their way there. */
  inUse(): ReadonlySet<string> {
    const { registry } = this.#dependencies;
    const arriving = [...this.#held].map(({ digest }) => digest);
    const digests = new Set([...packagesInUse(registry.state), ...arriving]);
    for (const slot of this.#served.slots) {
      if (slot.hosted !== undefined) digests.add(slot.hosted.report.digest);
      const record = findVersion(registry.state, slot.model, slot.version);
      const isAskedFor = slot.loading !== undefined || slot.pending > 0;
      if (isAskedFor && record !== undefined) digests.add(record.digest);
    }
    return digests;
  }
}
