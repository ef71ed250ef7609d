import { STABLE } from '../../contract/mod.js';
import { access } from 'node:fs/promises';
import { messageOf, type Clock, type Logger, type SerialQueues } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import {
  entries,
  findModel,
  forgetModel,
  updateModel,
  updateVersion,
  type Registry,
} from '../registry/mod.js';
import type { ModelManager } from './model-manager.js';
import type { PackageKeeper } from './package-keeper.js';
import { changeIf } from './registry-changes.js';

/** Nobody withdraws a model: its component's artifact folder goes. While Greengrass updates, it may be gone for a moment. */
const GONE_MS = 5 * 60_000;

export interface ArtifactWatchOptions {
  readonly registry: Registry;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Logger;
  readonly manager: Pick<ModelManager, 'reconcile' | 'settled'>;
  readonly packages: Pick<PackageKeeper, 'sweep'>;
  readonly turns: Pick<SerialQueues, 'run'>;
}

/**
 * Lets go of models that nobody wants: those whose component's artifacts have been gone for some minutes, and,
 * where the configuration has a wanted list, deployed models that are not in it. Models that an app loaded by
 * path stay until the app unloads them.
 */
export class ArtifactWatch {
  readonly #options: ArtifactWatchOptions;
  readonly #goneSince = new Map<string, number>();
  #checking: Promise<void> | undefined;

  constructor(options: ArtifactWatchOptions) {
    this.#options = options;
  }

  /**
   * Applies the wanted list, and looks whether artifact folders are gone for good. One look at a time.
   * @param all false: only at those that were gone at the last look
   */
  async check(all = true): Promise<void> {
    this.#checking ??= this.#check(all).finally(() => {
      this.#checking = undefined;
    });
    await this.#checking;
  }

  /** The configuration's wanted list may have changed. */
  wantedChanged(): void {
    this.check().catch((thrown: unknown) =>
      this.#options.logger.warn('The wanted list could not be applied', { reason: messageOf(thrown) }),
    );
  }

  async #check(all: boolean): Promise<void> {
    await this.#applyPins();
    const deployed = this.#deployed();
    const names = new Set(deployed.map(([model]) => model));
    for (const model of this.#goneSince.keys()) if (!names.has(model)) this.#goneSince.delete(model);
    for (const [model, version] of deployed) {
      const reason = await this.#whyUnwanted(model, all);
      if (reason !== undefined) await this.#withdraw(model, version, reason);
    }
  }

  /** Models of components, with the version that serves. */
  #deployed(): readonly (readonly [string, string])[] {
    return entries(this.#options.registry.state)
      .filter(({ record, labels }) => record.component !== undefined && labels.includes(STABLE))
      .map(({ model, record }) => [model, record.version]);
  }

  async #whyUnwanted(model: string, look: boolean): Promise<string | undefined> {
    const wanted = this.#options.configuration.current.models;
    if (wanted !== undefined) {
      return wanted.some(({ name }) => name === model) ? undefined : 'the wanted list does not name it';
    }
    if (!look && !this.#goneSince.has(model)) return undefined;
    if (!(await this.#isGone(model))) {
      this.#goneSince.delete(model);
      return undefined;
    }
    const nowMs = this.#options.clock.monotonicMs();
    const sinceMs = this.#goneSince.get(model) ?? nowMs;
    this.#goneSince.set(model, sinceMs);
    return nowMs - sinceMs < GONE_MS ? undefined : 'its artifacts are gone';
  }

  /** Any version's folder will do: after a rollback the stable one's own folder may have been cleaned up. */
  async #isGone(model: string): Promise<boolean> {
    for (const { record, model: name } of entries(this.#options.registry.state)) {
      if (name !== model || record.component === undefined) continue;
      if (!(await isAbsent(record.source))) return false;
    }
    return true;
  }

  /** In the model's turn: an admission may have come first, or its component be back. */
  async #withdraw(model: string, version: string, reason: string): Promise<void> {
    const { registry, manager, packages, turns, logger } = this.#options;
    await turns.run(model, async () => {
      if ((await this.#whyUnwanted(model, true)) === undefined) return;
      const withdrawn = await changeIf(registry, (state) =>
        findModel(state, model)?.labels[STABLE] === version
          ? updateModel(state, model, (record) => ({ ...record, wanted: false }))
          : state,
      );
      if (!withdrawn) return;
      logger.info('Model withdrawn', { model, reason });
      this.#goneSince.delete(model);
      manager.reconcile();
      await manager.settled(model);
      await registry.update((state) => forgetModel(state, model));
      await packages.sweep();
    });
  }

  async #applyPins(): Promise<void> {
    const { registry, configuration } = this.#options;
    const pins = new Map((configuration.current.models ?? []).map(({ name, pinned }) => [name, pinned]));
    await registry.update((state) => {
      let next = state;
      for (const [model, pinned] of pins) {
        const found = findModel(next, model);
        const stable = found?.labels[STABLE];
        const version = stable === undefined ? undefined : found?.versions[stable];
        if (version === undefined || pinned === undefined || version.pinned === pinned) continue;
        next = updateVersion(next, model, version.version, (record) => ({ ...record, pinned }));
      }
      return next;
    });
  }
}

const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

/** Whether nothing is there. A disk that fails, or a folder that may not be looked into, is no answer. */
async function isAbsent(path: string): Promise<boolean> {
  try {
    await access(path);
    return false;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && ABSENT.has(thrown.code);
  }
}
