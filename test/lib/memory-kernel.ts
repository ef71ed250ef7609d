import { EdgeError, isJsonObject, Listeners, type Json, type JsonObject } from '../../src/core/mod.js';
import type {
  ComponentStatus,
  ComponentUpdateEvent,
  IpcKernel,
  Profile,
} from '../../src/local/nucleus/api/mod.js';

type ConfigurationListener = (component: string, changedKeyPath: readonly string[]) => void;

/** A kernel in memory for tests of the IPC server: components with a token and a configuration, no processes. */
export class MemoryKernel implements IpcKernel {
  readonly profile: Profile;
  readonly states: { component: string; state: string }[] = [];
  readonly deferrals: { component: string; deploymentId: string; recheckAfterMs: number }[] = [];
  readonly #components = new Map<string, { token: string; configuration: JsonObject }>();
  readonly #configurationListeners = new Listeners<[component: string, changed: readonly string[]]>();
  readonly #updateListeners = new Listeners<[event: ComponentUpdateEvent]>();

  constructor(profile: Profile) {
    this.profile = profile;
  }

  /** Adds a component whose SVCUID is `<name>-token`. */
  add(name: string, configuration: JsonObject): void {
    this.#components.set(name, { token: `${name}-token`, configuration });
  }

  /** Sends an update event to those who listen. @returns to how many */
  announce(event: ComponentUpdateEvent): number {
    this.#updateListeners.tell(event);
    return this.#updateListeners.size;
  }

  componentOf(svcuid: string): string | undefined {
    for (const [name, { token }] of this.#components) if (token === svcuid) return name;
    return undefined;
  }

  svcuidByName(component: string): string | undefined {
    return this.#components.get(component)?.token;
  }

  accessControl(component: string): Json | undefined {
    return this.#components.get(component)?.configuration['accessControl'];
  }

  findConfiguration(component: string, keyPath: readonly string[]): Json | undefined {
    let value: Json | undefined = this.#components.get(component)?.configuration;
    for (const key of keyPath) value = isJsonObject(value) ? value[key] : undefined;
    return value;
  }

  updateConfiguration(component: string, keyPath: readonly string[], value: Json, timestampMs: number): void {
    if (timestampMs < 1000)
      throw new EdgeError('FAILED_PRECONDITION', 'Proposed timestamp is older than the config');
    const root = this.#components.get(component)?.configuration;
    if (root === undefined) throw new EdgeError('NOT_FOUND', 'Component not found');
    let parent = root;
    for (const key of keyPath) {
      const next = parent[key];
      parent = isJsonObject(next) ? next : (parent[key] = {});
    }
    if (isJsonObject(value)) Object.assign(parent, value);
    const changes = this.profile === 'lite' ? leaves(value, keyPath) : [keyPath];
    for (const change of changes) this.#configurationListeners.tell(component, change);
  }

  onConfigurationChange(
    component: string,
    keyPath: readonly string[],
    listener: ConfigurationListener,
  ): () => void {
    return this.#configurationListeners.add((changedComponent, changed) => {
      const isBelow = keyPath.every((key, index) => changed[index] === key);
      if (changedComponent === component && isBelow) listener(component, changed);
    });
  }

  /** How many configuration subscriptions are open. */
  get configurationListeners(): number {
    return this.#configurationListeners.size;
  }

  updateState(component: string, state: 'RUNNING' | 'ERRORED'): void {
    this.states.push({ component, state });
  }

  componentDetails(component: string): ComponentStatus | undefined {
    return this.listComponents().find(({ name }) => name === component);
  }

  listComponents(): readonly ComponentStatus[] {
    return [...this.#components].map(([name, { configuration }]) => ({
      name,
      version: '1.0.0',
      state: 'RUNNING',
      configuration,
      isRoot: true,
    }));
  }

  onComponentUpdate(_component: string, listener: (event: ComponentUpdateEvent) => void): () => void {
    return this.#updateListeners.add(listener);
  }

  deferComponentUpdate(component: string, deploymentId: string, recheckAfterMs: number): boolean {
    this.deferrals.push({ component, deploymentId, recheckAfterMs });
    return true;
  }

  onConfigurationToValidate(): () => void {
    return () => undefined;
  }

  reportValidity(): boolean {
    return false;
  }
}

function leaves(value: Json, keyPath: readonly string[]): (readonly string[])[] {
  if (!isJsonObject(value)) return [keyPath];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...keyPath, key]));
}
