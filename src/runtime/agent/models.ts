import { SerialQueues } from '../../core/mod.js';
import type { AgentDependencies } from './context.js';
import type { Events } from './events.js';
import { HostLimits } from './host-limits.js';
import { LoadSpecs } from './load-specs.js';
import { ModelManager } from './model-manager.js';
import { PackageKeeper } from './package-keeper.js';
import { Rollback } from './rollback.js';
import { ServedModels } from './served-models.js';
import { TrustWatch } from './trust-watch.js';
import { VersionFailures } from './version-failures.js';

/** The parts that decide what is in memory. */
export interface Models {
  /**
   * By model: its admission, rollback, probation, withdrawal, load and unload take turns, so that none acts on a
   * version that another has replaced meanwhile. What waited for its turn compares again what it had judged. Never
   * take a turn within a turn of the same model.
   */
  readonly turns: SerialQueues;
  readonly specs: LoadSpecs;
  readonly served: ServedModels;
  readonly packages: PackageKeeper;
  readonly manager: ModelManager;
  readonly rollback: Rollback;
  readonly failures: VersionFailures;
  readonly limits: HostLimits;
  readonly trust: TrustWatch;
}

/** Connects them: what happens to a slot is told to those that decide what follows. */
export function connectModels(
  dependencies: AgentDependencies,
  events: Events,
  forget: () => Promise<void>,
): Models {
  const specs = new LoadSpecs(dependencies);
  const turns = new SerialQueues();
  const limits = new HostLimits(dependencies);
  const trust = new TrustWatch({ ...dependencies, specs, onChange: () => manager.reconcile() });
  const served: ServedModels = new ServedModels({
    ...dependencies,
    spec: (model, version) => specs.of(model, version),
    makeRoom: (slot) => manager.makeRoom(slot),
    onLoaded: (slot, hosted) => {
      limits.apply(slot, hosted);
      manager.loaded(slot, hosted);
    },
    onDeath: (slot, exit) => failures.died(slot, exit),
    onLoadFailed: (slot, error, died) => failures.loadFailed(slot, error, died),
    onIdle: ({ retiring }) => {
      if (retiring) manager.reconcile();
    },
  });
  const packages = new PackageKeeper(dependencies, served);
  const manager = new ModelManager({ ...dependencies, events, served, packages, trust, forget });
  const reconcile = (): void => manager.reconcile();
  const rollback = new Rollback({ ...dependencies, events, served, turns, reconcile });
  const failures = new VersionFailures({ ...dependencies, events, rollback, served, reconcile });
  return { turns, specs, served, packages, manager, rollback, failures, limits, trust };
}
