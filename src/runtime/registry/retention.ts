import semver from 'semver';
import { EdgeError } from '../../core/mod.js';
import type { ModelRecord, RegistryState, VersionRecord } from './schema.js';
import { forgetModel, updateModel } from './state.js';

/** Refused, rolled back and quarantined versions that each model's record keeps, with their reasons. */
export const MAX_HELD_AGAINST = 16;
/** Versions that served well and that nothing needs: they can still be described, captured for and loaded by name. */
export const MAX_IDLE = 4;
/** Versions that served well and were forgotten, of which only the digests stay: these may come back. */
export const MAX_FORGOTTEN = 4;

/** Models that nobody wants: an app unloaded what it had loaded by path, or no package of it was ever admitted. */
const MAX_UNWANTED_MODELS = 16;

/**
 * What the registry may forget of a model. Everything that serves or may be gone back to stays, then a fixed number
 * of others, the newest: so a model's record stops growing at its tenth version, however many follow.
 * @param inUse digests of packages that are labelled, in memory, or on their way there
 */
function forgettable(model: ModelRecord, inUse: ReadonlySet<string>): readonly string[] {
  const needed = neededVersions(model);
  const rest = Object.values(model.versions)
    .filter(({ version, digest }) => !needed.has(version) && !inUse.has(digest))
    .toReversed()
    .toSorted((a, b) => (b.admittedAtMs ?? 0) - (a.admittedAtMs ?? 0));
  const against = rest.filter(isHeldAgainst);
  // Those whose copies are within the package quota come back quickest.
  const idle = rest
    .filter((record) => !isHeldAgainst(record))
    .toSorted((a, b) => Number(b.kept) - Number(a.kept));
  return [...against.slice(MAX_HELD_AGAINST), ...idle.slice(MAX_IDLE)].map(({ version }) => version);
}

/** Versions that stay whatever their number. */
function neededVersions(model: ModelRecord): ReadonlySet<string> {
  const { labels, desired, probationAgainst, versions } = model;
  const kept = Object.values(versions).filter(isAskedFor);
  const named = [desired, probationAgainst, newestAdmittedOf(model)];
  return new Set([
    ...Object.values(labels),
    ...kept.map(({ version }) => version),
    ...named.filter((version) => version !== undefined),
  ]);
}

/** What its own record wants it to stay for. A mode of serving beside the stable version would stand here too. */
function isAskedFor({ pinned }: VersionRecord): boolean {
  return pinned === true;
}

function isHeldAgainst({ admitted, rolledBack, quarantined }: VersionRecord): boolean {
  return !admitted || rolledBack !== undefined || quarantined !== undefined;
}

/** The newest version that this device has ever admitted for a model. It is never forgotten, so no older one slips in. */
export function newestAdmittedOf({ versions }: ModelRecord): string | undefined {
  return Object.values(versions)
    .filter(
      (record) => record.admitted && record.passedOver !== true && semver.valid(record.version) !== null,
    )
    .map(({ version }) => version)
    .sort(semver.compare)
    .at(-1);
}

/** A model whose admitted versions above this one no longer count as its newest; those up to it count again. */
export function passOverAbove(model: ModelRecord, version: string): ModelRecord {
  if (semver.valid(version) === null) {
    throw new EdgeError(
      'FIELD_INVALID',
      `Cannot reset the newest version as 'version' must be a semantic version such as 1.2.3: current value is ${version}`,
      { field: 'version' },
    );
  }
  const versions = Object.entries(model.versions).map(([key, { passedOver: _former, ...record }]) => {
    const above =
      record.admitted && semver.valid(record.version) !== null && semver.gt(record.version, version);
    return [key, above ? { ...record, passedOver: true } : record];
  });
  return { ...model, versions: Object.fromEntries(versions) as ModelRecord['versions'] };
}

/** Models of which the registry may forget all: apps choose names, and may choose new ones for ever. */
function forgettableModels(state: RegistryState): readonly string[] {
  const newestMs = ({ versions }: ModelRecord): number =>
    Object.values(versions).reduce((newest, { admittedAtMs = 0 }) => Math.max(newest, admittedAtMs), 0);
  return Object.entries(state.models)
    .filter(([, model]) => isUnwanted(model))
    .toReversed()
    .toSorted(([, a], [, b]) => newestMs(b) - newestMs(a))
    .slice(MAX_UNWANTED_MODELS)
    .map(([name]) => name);
}

/** What a deployment brought stays until its component goes, unloaded or not. */
function isUnwanted({ versions, wanted }: ModelRecord): boolean {
  const admitted = Object.values(versions).filter((record) => record.admitted);
  return admitted.length === 0 || (!wanted && admitted.every(({ component }) => component === undefined));
}

/**
 * The state without what {@link forgettable} and {@link forgettableModels} name; the same object where that is
 * nothing.
 */
export function forgetIdle(state: RegistryState, inUse: ReadonlySet<string>): RegistryState {
  const wanted = forgettableModels(state).reduce(forgetModel, state);
  return Object.entries(wanted.models).reduce(
    (next, [name, model]) => forgetVersions(next, name, forgettable(model, inUse)),
    wanted,
  );
}

function forgetVersions(state: RegistryState, name: string, gone: readonly string[]): RegistryState {
  if (gone.length === 0) return state;
  return updateModel(state, name, (model) => {
    const left = Object.entries(model.versions).filter(([version]) => !gone.includes(version));
    const forgotten = withForgotten(model, gone);
    return {
      ...model,
      versions: Object.fromEntries(left),
      ...(forgotten.length === 0 ? {} : { forgotten }),
    };
  });
}

/** What is remembered of versions that served well and go now, behind those that went before. */
function withForgotten(
  { versions, forgotten = [] }: ModelRecord,
  gone: readonly string[],
): NonNullable<ModelRecord['forgotten']> {
  const served = Object.values(versions)
    .filter((record) => gone.includes(record.version) && !isHeldAgainst(record))
    .toSorted((a, b) => (a.admittedAtMs ?? 0) - (b.admittedAtMs ?? 0));
  return [
    ...forgotten.filter(({ version }) => !gone.includes(version)),
    ...served.map(({ version, digest }) => ({ version, digest })),
  ].slice(-MAX_FORGOTTEN);
}
