import type { Json, JsonObject, Random } from '../../core/mod.js';
import type {
  ComponentStatus,
  ComponentUpdateEvent,
  ConfigurationToValidate,
  ExternalComponent,
  IpcKernel,
  Profile,
  ValidityReport,
} from './api/mod.js';
import type { ConfigurationStore } from './configuration-store.js';
import { NUCLEUS_NAMES, NUCLEUS_VERSIONS } from './resolve.js';
import type { Service } from './service.js';
import type { Services } from './services.js';
import type { UpdateGate } from './update-gate.js';
import type { ValidationGate } from './validation-gate.js';

export interface KernelOptions {
  readonly profile: Profile;
  readonly services: Services;
  readonly configurations: ConfigurationStore;
  readonly gate: UpdateGate;
  readonly validation: ValidationGate;
  readonly random: Random;
  readonly environment: (name: string, svcuid: string) => Record<string, string>;
}

/** The nucleus as its IPC server sees it. */
export class Kernel implements IpcKernel {
  readonly profile: Profile;
  readonly #options: KernelOptions;
  readonly #svcuids = new Map<string, string>();
  readonly #externals = new Set<string>();

  constructor(options: KernelOptions) {
    this.profile = options.profile;
    this.#options = options;
  }

  /** The component's SVCUID, the same as long as the nucleus lives, or lite's IPC. */
  svcuidOf(component: string): string {
    const known = this.#svcuids.get(component);
    if (known !== undefined) return known;
    const svcuid = this.#options.random.hex(16).toUpperCase().slice(0, 16);
    this.#svcuids.set(component, svcuid);
    return svcuid;
  }

  svcuidByName(component: string): string | undefined {
    const isKnown = this.#externals.has(component) || this.#options.services.get(component) !== undefined;
    return isKnown ? this.svcuidOf(component) : undefined;
  }

  /** They live in the memory of lite's IPC daemon only. */
  forgetSvcuids(): void {
    this.#svcuids.clear();
  }

  registerExternal(name: string, configuration: JsonObject): ExternalComponent {
    this.#externals.add(name);
    this.#options.configurations.set(name, configuration);
    return { name, environment: this.#options.environment(name, this.svcuidOf(name)) };
  }

  componentOf(svcuid: string): string | undefined {
    for (const [component, known] of this.#svcuids) if (known === svcuid) return component;
    return undefined;
  }

  accessControl(component: string): Json | undefined {
    return this.#options.configurations.get(component)?.['accessControl'];
  }

  findConfiguration(component: string, keyPath: readonly string[]): Json | undefined {
    return this.#options.configurations.find(component, keyPath);
  }

  updateConfiguration(component: string, keyPath: readonly string[], value: Json, timestampMs: number): void {
    this.#options.configurations.update(component, keyPath, value, timestampMs);
  }

  onConfigurationChange(
    component: string,
    keyPath: readonly string[],
    listener: (component: string, changedKeyPath: readonly string[]) => void,
  ): () => void {
    return this.#options.configurations.listen(component, keyPath, listener);
  }

  updateState(component: string, state: 'RUNNING' | 'ERRORED'): void {
    this.#options.services.get(component)?.report(state);
  }

  componentDetails(component: string): ComponentStatus | undefined {
    return this.listComponents().find(({ name }) => name === component);
  }

  listComponents(): readonly ComponentStatus[] {
    const { profile, services } = this.#options;
    const nucleus = this.#status(NUCLEUS_NAMES[profile], NUCLEUS_VERSIONS[profile]);
    const externals = [...this.#externals].map((name) => this.#status(name, '0.0.0'));
    return [nucleus, ...externals, ...services.all().map((service) => this.statusOf(service))];
  }

  statusOf({ name, definition, state, pid }: Service): ComponentStatus {
    return {
      name,
      version: definition.version,
      state,
      configuration: this.#options.configurations.get(name) ?? {},
      isRoot: definition.isRoot,
      ...(pid === undefined ? {} : { pid }),
    };
  }

  onComponentUpdate(component: string, listener: (event: ComponentUpdateEvent) => void): () => void {
    return this.#options.gate.listen(component, listener);
  }

  deferComponentUpdate(component: string, deploymentId: string, recheckAfterMs: number): boolean {
    return this.#options.gate.defer(component, deploymentId, recheckAfterMs);
  }

  onConfigurationToValidate(
    component: string,
    listener: (event: ConfigurationToValidate) => void,
  ): () => void {
    return this.#options.validation.listen(component, listener);
  }

  reportValidity(component: string, report: ValidityReport): boolean {
    return this.#options.validation.report(component, report);
  }

  /** A component that no recipe started: it runs as long as the nucleus. */
  #status(name: string, version: string): ComponentStatus {
    const configuration = this.#options.configurations.get(name) ?? {};
    return { name, version, state: 'RUNNING', configuration, isRoot: false };
  }
}
