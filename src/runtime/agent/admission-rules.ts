import { EdgeError } from '../../core/mod.js';
import { checkAdmission, checkRevoked, type PackageSignature } from '../../model/mod.js';
import { VERSION } from '../../system/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import type { HostedModel } from '../host/port/mod.js';
import type { Announced } from '../packages/mod.js';
import { admittedDigests, newestAdmitted, ownerOf } from '../plan/mod.js';
import { updateModel, type Registry, type RegistryState, type VersionRecord } from '../registry/mod.js';
import type { Machine } from './context.js';
import type { ModelManager } from './model-manager.js';
import type { TrustWatch } from './trust-watch.js';

export interface AdmissionRulesOptions {
  readonly registry: Pick<Registry, 'state'>;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly machine: Pick<Machine, 'platform'>;
  readonly manager: Pick<ModelManager, 'budgetBytes'>;
  readonly trust: Pick<TrustWatch, 'check' | 'checkRevoked'>;
}

/**
 * What every door asks of a package before it may serve: a deployment's registration and an app's load of a folder,
 * over Greengrass and over the admin socket alike. A host has verified files, signature, graph and golden samples
 * when {@link judge} is asked.
 */
export class AdmissionRules {
  readonly #options: AdmissionRulesOptions;

  constructor(options: AdmissionRulesOptions) {
    this.#options = options;
  }

  /**
   * Whether the package may serve under this name, by what it says of itself. Before a host has looked, nobody knows
   * whether it is signed: what only a signature allows passes here, and is judged again by {@link judge}.
   * @throws EdgeError where it may not
   */
  check(model: string, announced: Announced, signature: PackageSignature = UNKNOWN_YET): void {
    const { registry, machine, configuration } = this.#options;
    this.checkOwner(model, announced);
    checkRevoked(announced.digest, configuration.current.signature.revoked?.packages);
    checkAdmission(
      { ...announced, signature },
      {
        runtimeVersion: VERSION,
        platform: machine.platform,
        newestVersion: newestAdmitted(registry.state, model),
        servedDigests: admittedDigests(registry.state, model),
      },
    );
  }

  /**
   * Whether the package comes from the component that the model's name belongs to: the configured one, or else the
   * one that served it first. A name that only apps have used belongs to nobody.
   * @throws EdgeError where it comes from another, or has another name
   */
  checkOwner(model: string, { manifest }: Announced): void {
    const { registry, configuration } = this.#options;
    const { modelOwners } = configuration.current;
    const configured = Object.hasOwn(modelOwners, model) ? modelOwners[model] : undefined;
    const owner = configured ?? ownerOf(registry.state, model);
    if (owner === undefined || (owner === manifest.componentName && model === manifest.name)) return;
    throw new EdgeError(
      'PACKAGE_REFUSED_OWNER',
      `Cannot admit the package as the model '${model}' belongs to the component ${owner}: it is '${manifest.name}' of ${manifest.componentName}`,
      {
        field: owner === manifest.componentName ? 'name' : 'componentName',
        nextStep: `Give it a name of its own, or set modelOwners.${model} in the agent's configuration`,
      },
    );
  }

  /**
   * The same for what serves already. Its own version does not count, and what an app loaded from a folder must not
   * be older than what deployments brought, unless these rules let it in.
   * @throws EdgeError naming the rule that it breaks
   */
  checkServed(model: string, announced: Announced, record: VersionRecord): void {
    const { registry, machine } = this.#options;
    const state =
      record.component === undefined && record.ruled !== true
        ? deployed(registry.state, model)
        : registry.state;
    if (record.component !== undefined) this.checkOwner(model, announced);
    checkAdmission(
      { ...announced, digest: record.digest, signature: UNKNOWN_YET },
      {
        runtimeVersion: VERSION,
        platform: machine.platform,
        newestVersion: newestAdmitted(state, model),
        servedDigests: admittedDigests(state, model),
      },
    );
  }

  /**
   * The same once a host has read it: it is what was announced, its signature counts, and it fits into memory.
   * @returns what it took, in bytes
   * @throws EdgeError where it may not serve
   */
  async judge(
    model: string,
    announced: Announced,
    record: VersionRecord,
    hosted: Pick<HostedModel, 'report' | 'measureBytes'>,
  ): Promise<number> {
    const { report } = hosted;
    if (report.digest !== record.digest || report.version !== record.version) {
      throw new EdgeError('PACKAGE_CHANGED', 'Cannot admit the package as it changed while it was read');
    }
    this.check(model, { ...announced, digest: record.digest }, report.signature);
    // What is in memory already was not read again.
    await this.#options.trust.check();
    this.#options.trust.checkRevoked(model, record);
    const bytes = await hosted.measureBytes();
    const { budgetBytes } = this.#options.manager;
    if (bytes <= budgetBytes) return bytes;
    throw new EdgeError(
      'MEMORY_BUDGET',
      `Cannot admit the package as its model takes ${bytes} bytes and the memory budget is ${budgetBytes}`,
      { nextStep: 'Raise memoryBudgetMb' },
    );
  }
}

const UNKNOWN_YET: PackageSignature = { state: 'verified', method: 'key', signer: '' };

/** The registry with what deployments brought of a model alone. */
function deployed(state: RegistryState, model: string): RegistryState {
  return updateModel(state, model, (found) => ({
    ...found,
    versions: Object.fromEntries(
      Object.entries(found.versions).filter(([, { component }]) => component !== undefined),
    ),
  }));
}
