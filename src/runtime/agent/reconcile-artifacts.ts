import { access } from 'node:fs/promises';
import { entries, forgetModel, updateModel } from '../registry/mod.js';
import type { AgentDependencies } from './context.js';
import type { ModelManager } from './model-manager.js';

/** Nobody withdraws a model: its component's artifact folder goes. While Greengrass updates, it may be gone for a moment. */
const GONE_MS = 5 * 60_000;

export interface ArtifactWatch {
  /** Looks whether artifact folders are gone for good. */
  check(): Promise<void>;
  /** The configuration's wanted list may have changed. */
  wantedChanged(): void;
}

/**
 * Lets go of models that nobody wants: those whose component's artifacts have been gone for some minutes, and,
 * where the configuration has a wanted list, deployed models that are not in it. Models that an app loaded by
 * path stay until the app unloads them.
 */
export function watchArtifacts(dependencies: AgentDependencies, manager: ModelManager): ArtifactWatch {
  const { registry, configuration, clock, logger } = dependencies;
  const goneSince = new Map<string, number>();

  const deployedModels = (): ReadonlySet<string> =>
    new Set(
      entries(registry.state)
        .filter(({ record, labels }) => record.component !== undefined && labels.includes('stable'))
        .map(({ model }) => model),
    );

  const withdraw = async (model: string, reason: string): Promise<void> => {
    logger.info('Model withdrawn', { model, reason });
    await registry.update((state) => updateModel(state, model, (record) => ({ ...record, wanted: false })));
    manager.reconcile();
    await manager.settled();
    await registry.update((state) => forgetModel(state, model));
    await manager.packages.sweep();
  };

  const isGone = async (model: string): Promise<boolean> => {
    // Any version's folder will do: after a rollback the stable one's own folder may have been cleaned up.
    const sources = entries(registry.state).filter(
      (entry) => entry.model === model && entry.record.component !== undefined,
    );
    for (const { record } of sources) {
      if (await exists(record.source)) return false;
    }
    return true;
  };

  const check = async (): Promise<void> => {
    const wanted = configuration.current.models?.map(({ name }) => name);
    for (const model of deployedModels()) {
      if (wanted !== undefined) {
        if (!wanted.includes(model)) await withdraw(model, 'the wanted list does not name it');
        continue;
      }
      if (!(await isGone(model))) {
        goneSince.delete(model);
        continue;
      }
      const now = clock.monotonicMs();
      const since = goneSince.get(model) ?? now;
      goneSince.set(model, since);
      if (now - since < GONE_MS) continue;
      goneSince.delete(model);
      await withdraw(model, 'its artifacts are gone');
    }
  };

  const applyPins = async (): Promise<void> => {
    const pins = new Map((configuration.current.models ?? []).map(({ name, pinned }) => [name, pinned]));
    await registry.update((state) => {
      let next = state;
      for (const [model, pinned] of pins) {
        next = updateModel(next, model, (record) => {
          const stable = record.labels['stable'];
          const version = stable === undefined ? undefined : record.versions[stable];
          if (version === undefined || pinned === undefined || version.pinned === pinned) return record;
          return { ...record, versions: { ...record.versions, [version.version]: { ...version, pinned } } };
        });
      }
      return next;
    });
  };

  return {
    check: async () => {
      await applyPins();
      await check();
    },
    wantedChanged: () => {
      void applyPins()
        .then(check)
        .catch((thrown: unknown) =>
          logger.warn('The wanted list could not be applied', { reason: String(thrown) }),
        );
    },
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
