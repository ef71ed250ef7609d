import { STABLE, type ModelDescription, type RequestOf } from '../../contract/mod.js';
import { EdgeError, toEdgeError, type SerialQueues, type Clock } from '../../core/mod.js';
import { readAnnounced, type Announced } from '../packages/mod.js';
import { checkServable, keyOf, select } from '../plan/mod.js';
import type { LoadReport } from '../host/port/mod.js';
import {
  addBeside,
  findModel,
  findVersion,
  updateModel,
  updateVersion,
  type Registry,
  type VersionRecord,
} from '../registry/mod.js';
import { newRecord, signatureText } from './admission-records.js';
import type { AdmissionRules } from './admission-rules.js';
import type { Catalog } from './catalog.js';
import { isDeviceFault } from './device-faults.js';
import type { Events } from './events.js';
import { hostLimitMb } from './host-limits.js';
import type { LoadSpecs } from './load-specs.js';
import type { ModelManager } from './model-manager.js';
import { arrivingOf, type PackageKeeper } from './package-keeper.js';
import type { ServedModels } from './served-models.js';
import type { TrustWatch } from './trust-watch.js';

export interface LoadsOptions {
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly registry: Registry;
  readonly catalog: Pick<Catalog, 'describe'>;
  readonly events: Pick<Events, 'model'>;
  readonly specs: Pick<LoadSpecs, 'forRecord'>;
  readonly served: Pick<ServedModels, 'slots' | 'slot' | 'keep' | 'retire' | 'ensure' | 'trial'>;
  readonly packages: Pick<PackageKeeper, 'holding' | 'keep' | 'sweep'>;
  readonly rules: Pick<AdmissionRules, 'check' | 'judge'>;
  readonly trust: Pick<TrustWatch, 'checkBarred'>;
  readonly manager: Pick<ModelManager, 'makeRoom' | 'reconcile' | 'settled'>;
  readonly turns: Pick<SerialQueues, 'run'>;
}

/** Edge Manager's LoadModel and UnLoadModel, driven by apps. */
export class Loads {
  readonly #options: LoadsOptions;

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  async load(body: RequestOf<'load'>): Promise<ModelDescription> {
    const { path } = body;
    return await this.#options.turns.run(body.name, async () =>
      path === undefined ? await this.#loadAdmitted(body) : await this.#loadPath(body, path),
    );
  }

  /** A version that this device knows; already loaded is fine. */
  async #loadAdmitted({ name, version, label, pinned }: RequestOf<'load'>): Promise<ModelDescription> {
    const { registry, served, catalog, trust } = this.#options;
    const record = select(registry.state, name, { version, label });
    checkServable(name, record);
    trust.checkBarred(name, record);
    await registry.update((state) => {
      const wanted = updateModel(state, name, (model) => (model.wanted ? model : { ...model, wanted: true }));
      return pinned === undefined
        ? wanted
        : updateVersion(wanted, name, record.version, (old) => ({ ...old, pinned }));
    });
    const slot = served.slot(name, record.version);
    served.keep(slot);
    await served.ensure(slot);
    return catalog.describe({ name, version: record.version });
  }

  /** Edge Manager's way: an unpacked package in a folder, under a name that the app chooses. */
  async #loadPath(
    { name, pinned, version: wantedVersion }: RequestOf<'load'>,
    path: string,
  ): Promise<ModelDescription> {
    const { registry, served, packages, catalog, rules } = this.#options;
    const slots = served.slots.filter(({ model }) => model === name);
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
    const known = findVersion(registry.state, name, version);
    if (known?.digest === digest && known.quarantined !== undefined) checkServable(name, known);
    checkFree(known, digest, name);
    const announced = { manifest, digest };
    rules.check(name, announced);
    const fresh = newRecord(registry.state, name, announced, { source: path });
    const record = { ...fresh, ...(pinned === undefined ? {} : { pinned }) };
    await packages.holding(arrivingOf(name, announced), () => this.#loadRecord(name, announced, record));
    await packages.sweep();
    return catalog.describe({ name, version });
  }

  async #loadRecord(name: string, announced: Announced, record: VersionRecord): Promise<void> {
    const { specs, served, packages, manager, events, rules } = this.#options;
    const slot = served.slot(name, record.version);
    await manager.makeRoom(slot);
    const kept = await packages.keep(name, record, announced);
    const spec = { ...(await specs.forRecord(name, kept)), runSamples: true };
    await served
      .trial(slot, spec, async (hosted) => {
        const bytes = await rules.judge(name, announced, kept, hosted);
        await this.#remember(name, { ...kept, hostLimitMb: hostLimitMb(bytes) }, hosted.report);
      })
      .catch((thrown: unknown) => {
        throw loadError(thrown);
      });
    served.keep(slot);
    events.model({ type: 'ADMITTED', model: name, version: record.version });
  }

  async #remember(name: string, kept: VersionRecord, report: LoadReport): Promise<void> {
    const { registry, clock } = this.#options;
    const { compiledDigest } = report;
    const loaded: VersionRecord = {
      ...kept,
      admitted: true,
      ruled: true,
      admittedAtMs: clock.wallMs(),
      tries: 0,
      signature: signatureText(report.signature),
      ...(compiledDigest === undefined ? {} : { compiledDigest }),
    };
    await registry.update((state) =>
      updateModel(addBeside(state, name, loaded), name, (model) => ({
        ...model,
        wanted: true,
        labels: { ...model.labels, stable: kept.version },
      })),
    );
  }

  async unload(body: RequestOf<'unload'>): Promise<void> {
    await this.#options.turns.run(body.name, () => this.#unload(body));
  }

  async #unload({ name, version, label }: RequestOf<'unload'>): Promise<void> {
    const { registry, served, manager } = this.#options;
    const record = select(registry.state, name, { version, label });
    const all = version === undefined && label === undefined;
    const model = findModel(registry.state, name);
    if (all && model?.wanted !== true) {
      throw new EdgeError('MODEL_NOT_LOADED', `Cannot unload the model as '${name}' is not loaded`, {
        field: 'name',
      });
    }
    const stable = model?.labels[STABLE] === record.version;
    if (all || stable) {
      await registry.update((state) => updateModel(state, name, (found) => ({ ...found, wanted: false })));
    } else {
      served.retire(name, record.version);
      await registry.update((state) =>
        updateVersion(state, name, record.version, ({ pinned: _pinned, ...rest }) => rest),
      );
    }
    manager.reconcile();
    await manager.settled(name);
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
  const isCrash = error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED';
  if (!isCrash || isDeviceFault(error)) return error;
  return new EdgeError('MODEL_CRASHED', error.message, { cause: error });
}
