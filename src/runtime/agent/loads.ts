import type { ModelDescription, RequestOf } from '../../contract/mod.js';
import { EdgeError, toEdgeError } from '../../core/mod.js';
import { readAnnounced } from '../packages/mod.js';
import { checkServable, keyOf, select } from '../plan/mod.js';
import {
  addBeside,
  askedBy,
  findModel,
  findVersion,
  updateModel,
  updateVersion,
  type VersionRecord,
} from '../registry/mod.js';
import type { Catalog } from './catalog.js';
import type { AgentDependencies } from './context.js';
import type { Events } from './events.js';
import type { ModelManager } from './model-manager.js';
import { arrivingOf } from './package-keeper.js';

/** Edge Manager's LoadModel and UnLoadModel, driven by apps. */
export class Loads {
  readonly #dependencies: AgentDependencies;
  readonly #manager: ModelManager;
  readonly #catalog: Catalog;
  readonly #events: Events;

  constructor(dependencies: AgentDependencies, manager: ModelManager, catalog: Catalog, events: Events) {
    this.#dependencies = dependencies;
    this.#manager = manager;
    this.#catalog = catalog;
    this.#events = events;
  }

  async load(body: RequestOf<'load'>): Promise<ModelDescription> {
    return body.path === undefined ? await this.#loadAdmitted(body) : await this.#loadPath(body, body.path);
  }

  /** A version that this device knows; already loaded is fine. */
  async #loadAdmitted({ name, version, label, pinned }: RequestOf<'load'>): Promise<ModelDescription> {
    const { registry } = this.#dependencies;
    const record = select(registry.state, name, { version, label });
    checkServable(name, record);
    await registry.update((state) => {
      const wanted = updateModel(state, name, (model) => (model.wanted ? model : { ...model, wanted: true }));
      return pinned === undefined
        ? wanted
        : updateVersion(wanted, name, record.version, (old) => ({ ...old, pinned }));
    });
    const slot = this.#manager.served.slot(name, record.version);
    slot.retiring = false;
    await this.#manager.served.ensure(slot);
    return this.#catalog.describe({ name, version: record.version });
  }

  /** Edge Manager's way: an unpacked package in a folder, under a name that the app chooses. */
  async #loadPath(
    { name, pinned, version: wantedVersion }: RequestOf<'load'>,
    path: string,
  ): Promise<ModelDescription> {
    const { registry } = this.#dependencies;
    const slots = this.#manager.served.slots.filter(({ model }) => model === name);
    if (slots.some(({ hosted, loading }) => hosted !== undefined || loading !== undefined)) {
      throw new EdgeError('MODEL_ALREADY_LOADED', `Cannot load the model as '${name}' is already loaded`, {
        field: 'name',
      });
    }
    const { manifest, digest } = await readAnnounced(path);
    const { version } = manifest;
    if (wantedVersion !== undefined && wantedVersion !== version) {
      throw new EdgeError(
        'VERSION_MISMATCH',
        `Cannot load version ${wantedVersion} as the package has version ${version}`,
        {
          field: 'version',
        },
      );
    }
    checkFree(findVersion(registry.state, name, version), digest, name);
    const record: VersionRecord = {
      version,
      digest,
      packageName: manifest.name,
      source: path,
      kept: false,
      admitted: true,
      tries: 0,
      ...askedBy(manifest),
      ...(pinned === undefined ? {} : { pinned }),
    };
    const arriving = arrivingOf(name, { manifest, digest });
    await this.#manager.packages.holding(arriving, () => this.#loadRecord(name, record));
    await this.#manager.packages.sweep();
    return this.#catalog.describe({ name, version });
  }

  async #loadRecord(name: string, record: VersionRecord): Promise<void> {
    const { registry, hosts } = this.#dependencies;
    const slot = this.#manager.served.slot(name, record.version);
    await this.#manager.makeRoom(slot, undefined);
    const kept = await this.#manager.packages.keep(name, record);
    const spec = await this.#manager.specs.forRecord(name, kept);
    const hosted = await hosts.load({ ...spec, runSamples: true }).catch((thrown: unknown) => {
      throw loadError(thrown);
    });
    const { signature, compiledDigest } = hosted.report;
    await registry.update((state) => {
      const loaded = { ...kept, signature, ...(compiledDigest === undefined ? {} : { compiledDigest }) };
      return updateModel(addBeside(state, name, loaded), name, (model) => ({
        ...model,
        wanted: true,
        labels: { ...model.labels, stable: record.version },
      }));
    });
    this.#manager.served.adopt(slot, hosted);
    this.#events.model({ type: 'ADMITTED', model: name, version: record.version });
  }

  async unload({ name, version, label }: RequestOf<'unload'>): Promise<void> {
    const { registry } = this.#dependencies;
    const record = select(registry.state, name, { version, label });
    const all = version === undefined && label === undefined;
    const model = findModel(registry.state, name);
    if (all && model?.wanted !== true) {
      throw new EdgeError('MODEL_NOT_LOADED', `Cannot unload the model as '${name}' is not loaded`, {
        field: 'name',
      });
    }
    const stable = model?.labels['stable'] === record.version;
    if (all || stable) {
      await registry.update((state) => updateModel(state, name, (found) => ({ ...found, wanted: false })));
    } else {
      this.#manager.served.slot(name, record.version).retiring = true;
      await registry.update((state) =>
        updateVersion(state, name, record.version, ({ pinned: _pinned, ...rest }) => rest),
      );
    }
    this.#manager.reconcile();
    await this.#manager.settled();
  }
}

/** What a deployment admitted under this name and version can't be replaced by a folder. */
function checkFree(known: VersionRecord | undefined, digest: string, name: string): void {
  if (known === undefined || known.digest === digest || known.component === undefined || !known.admitted)
    return;
  throw new EdgeError(
    'VERSION_DEPLOYED',
    `Cannot load the folder as ${keyOf(name, known.version)} was deployed with other content`,
    { field: 'version' },
  );
}

/** Edge Manager's codes: what kills its host is a package that can't be loaded. */
function loadError(thrown: unknown): EdgeError {
  const error = toEdgeError(thrown, 'Cannot load the model');
  if (error.code !== 'UNAVAILABLE' && error.code !== 'DEADLINE_EXCEEDED') return error;
  return new EdgeError('MODEL_CRASHED', error.message, { cause: error });
}
