import { EdgeError, isJsonObject, type JsonObject } from '../../core/mod.js';
import { captureOf, trustOf } from '../config/mod.js';
import { admittedDigests, checkServable, keyOf } from '../plan/mod.js';
import type { LoadSpec } from '../host/port/mod.js';
import { findVersion, type VersionRecord } from '../registry/mod.js';
import { compiledFolder, type AgentDependencies } from './context.js';
import { loadLimitBytes } from './host-limits.js';

export type LoadSpecsDependencies = Pick<
  AgentDependencies,
  'registry' | 'configuration' | 'machine' | 'packages' | 'trustedKeys' | 'clock'
>;

/** How versions are loaded, with the configuration and the registry of now. */
export class LoadSpecs {
  readonly #dependencies: LoadSpecsDependencies;

  constructor(dependencies: LoadSpecsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws EdgeError where the version is not known, or may not run */
  async of(model: string, version: string): Promise<LoadSpec> {
    const record = findVersion(this.#dependencies.registry.state, model, version);
    if (record === undefined) {
      throw new EdgeError(
        'VERSION_NOT_FOUND',
        `Cannot load ${keyOf(model, version)} as this device does not know it`,
      );
    }
    checkServable(model, record);
    const spec = await this.forRecord(model, record);
    const { policy, keys } = spec.trust;
    // It was admitted: new rules and revocations are told of, and keep nothing from serving.
    return { ...spec, trust: { policy, keys, admitted: true } };
  }

  /** Where a version's package lies: the agent's own copy, else where it came from. */
  folderOf(model: string, { kept, digest, source }: VersionRecord): string {
    return kept ? this.#dependencies.packages.folder(model, digest) : source;
  }

  /** For an admission: of what was admitted before, only revocations count that have come since. */
  async forRecord(model: string, record: VersionRecord): Promise<LoadSpec> {
    const { configuration, machine, trustedKeys, clock, registry } = this.#dependencies;
    const { queue } = configuration.current;
    const limitBytes = record.admitted ? undefined : loadLimitBytes(configuration.current, machine);
    const admitted = admittedDigests(registry.state, model).has(record.digest);
    return {
      key: keyOf(model, record.version),
      folder: this.folderOf(model, record),
      isCopy: record.kept,
      expectedDigest: record.digest,
      trust: { ...trustOf(configuration.current, await trustedKeys()), admitted },
      threads: record.threads ?? 1,
      concurrency: queue.concurrency,
      compiledCacheFolder: `${compiledFolder(machine)}/${record.digest}`,
      ...(record.compiledDigest === undefined ? {} : { compiledDigest: record.compiledDigest }),
      runSamples: false,
      ...(limitBytes === undefined ? {} : { loadLimitBytes: limitBytes }),
      capture: asJson(captureOf(configuration.current, model)),
      ...(machine.clockSynchronised() ? { nowMs: clock.wallMs() } : {}),
    };
  }
}

/** As it goes to the host: without keys that hold nothing. */
export function asJson(value: unknown): JsonObject {
  const json: unknown = JSON.parse(JSON.stringify(value));
  return isJsonObject(json) ? json : {};
}
