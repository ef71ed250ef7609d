import { EdgeError, Listeners, type Json, type JsonObject } from '../../core/mod.js';
import type { Profile } from './api/mod.js';
import { changedLeaves, eventsFor, makesObject, valueAt, withValueAt } from './configuration.js';

/** Paths of the leaves that changed. */
type Leaves = ReturnType<typeof changedLeaves>;

/** The effective configuration of each component, and who wants to hear of its changes. */
export class ConfigurationStore {
  readonly #profile: Profile;
  readonly #onChange: () => void;
  readonly #configurations = new Map<string, JsonObject>();
  readonly #writtenAtMs = new Map<string, number>();
  readonly #listeners = new Listeners<[changed: string, leaves: Leaves]>();

  /** @param onChange called after every change, to save it */
  constructor(profile: Profile, onChange: () => void) {
    this.#profile = profile;
    this.#onChange = onChange;
  }

  get(component: string): JsonObject | undefined {
    return this.#configurations.get(component);
  }

  /** @returns undefined for an unknown component or key */
  find(component: string, keyPath: readonly string[]): Json | undefined {
    const configuration = this.#configurations.get(component);
    return configuration === undefined ? undefined : valueAt(configuration, keyPath);
  }

  set(component: string, configuration: JsonObject): void {
    const before = this.#configurations.get(component);
    this.#configurations.set(component, configuration);
    if (before !== undefined) this.#tell(component, before, configuration);
    this.#onChange();
  }

  delete(component: string): void {
    if (this.#configurations.delete(component)) this.#onChange();
  }

  /**
   * What a component writes itself. An older write than the last one to the same key loses: the Java nucleus refuses
   * it, lite drops it.
   */
  update(component: string, keyPath: readonly string[], value: Json, timestampMs: number): void {
    const before = this.#configurations.get(component) ?? {};
    const key = JSON.stringify([component, ...keyPath]);
    if (timestampMs < (this.#writtenAtMs.get(key) ?? 0)) {
      if (this.#profile === 'lite') return;
      throw olderTimestamp();
    }
    this.#writtenAtMs.set(key, timestampMs);
    this.set(component, withValueAt(before, keyPath, value));
    const present = valueAt(before, keyPath);
    // It is merged all the same.
    if (this.#profile === 'nucleus' && present !== undefined && makesObject(present, value))
      throw olderTimestamp();
  }

  listen(
    component: string,
    keyPath: readonly string[],
    call: (component: string, changedKeyPath: readonly string[]) => void,
  ): () => void {
    return this.#listeners.add((changed, leaves) => {
      if (changed !== component) return;
      for (const path of eventsFor(leaves, keyPath, this.#profile)) call(component, path);
    });
  }

  /** Everything, for saving and for a rollback. */
  snapshot(): Record<string, JsonObject> {
    return structuredClone(Object.fromEntries(this.#configurations));
  }

  #tell(component: string, before: JsonObject, after: JsonObject): void {
    const leaves = changedLeaves(before, after);
    if (leaves.length > 0) this.#listeners.tell(component, leaves);
  }
}

function olderTimestamp(): EdgeError {
  return new EdgeError(
    'CONFIGURATION_NEWER',
    "Proposed timestamp is older than the config's latest modified timestamp",
  );
}
