import { STABLE } from '../../contract/mod.js';
import { EdgeError, toEdgeError } from '../../core/mod.js';
import {
  findModel,
  findVersion,
  newestAdmittedOf,
  type RegistryState,
  type VersionRecord,
} from '../registry/mod.js';

/** What a package says of itself, before anything is verified. */
export interface Arrival {
  readonly model: string;
  readonly version: string;
  readonly digest: string;
}

/** What to do with a package that a component registers. */
export type Decision =
  | { readonly kind: 'already'; readonly record: VersionRecord }
  /** Rolled back or quarantined after it was admitted: success, so that a reboot fails no old deployment. */
  | { readonly kind: 'already-with-warning'; readonly record: VersionRecord; readonly warning: string }
  | { readonly kind: 'admit'; readonly again: boolean }
  | { readonly kind: 'refuse'; readonly error: EdgeError };

/**
 * The verdict rules.
 * @param check whether an unknown package may serve here at all (platform, runtime, downgrade); throws if not
 */
export function decide(state: RegistryState, arrival: Arrival, check: () => void): Decision {
  const { model, version, digest } = arrival;
  const record = findVersion(state, model, version);
  if (record?.admitted === true) {
    if (record.digest !== digest) return refuseOtherContent(arrival, record);
    const held = record.quarantined ?? record.rolledBack;
    if (held !== undefined) {
      const what = record.quarantined === undefined ? 'rolled back' : 'quarantined';
      return { kind: 'already-with-warning', record, warning: `This device has ${what} ${version}: ${held}` };
    }
    if (findModel(state, model)?.labels[STABLE] === version) return { kind: 'already', record };
    return { kind: 'admit', again: true };
  }
  const forgotten = findModel(state, model)?.forgotten?.find((one) => one.version === version);
  if (forgotten !== undefined) {
    return forgotten.digest === digest
      ? { kind: 'admit', again: true }
      : refuseOtherContent(arrival, forgotten);
  }
  if (record?.digest === digest && record.quarantined !== undefined) {
    const error = new EdgeError(
      'MODEL_QUARANTINED',
      `Cannot admit ${model} ${version} as it is quarantined: ${record.quarantined}`,
    );
    return { kind: 'refuse', error };
  }
  try {
    check();
  } catch (thrown) {
    return { kind: 'refuse', error: toEdgeError(thrown) };
  }
  return { kind: 'admit', again: false };
}

function refuseOtherContent(
  { model, version, digest }: Arrival,
  record: { readonly digest: string },
): Decision {
  const error = new EdgeError(
    'VERSION_TAKEN',
    `Cannot admit ${model} ${version} as this device has admitted other content under that version: its digest is ${record.digest}, the new one ${digest}`,
    { field: 'version', nextStep: 'Publish the new content under a new version' },
  );
  return { kind: 'refuse', error };
}

/** Digests that this device has admitted for a model, and remembers: these come back whatever their version. */
export function admittedDigests(state: RegistryState, model: string): ReadonlySet<string> {
  const found = findModel(state, model);
  const versions = Object.values(found?.versions ?? {}).filter(({ admitted }) => admitted);
  return new Set([...versions, ...(found?.forgotten ?? [])].map(({ digest }) => digest));
}

/** The newest version that this device has ever admitted for a model. */
export function newestAdmitted(state: RegistryState, model: string): string | undefined {
  const found = findModel(state, model);
  return found === undefined ? undefined : newestAdmittedOf(found);
}

/**
 * The component whose deployments bring a model: the one whose version serves, or else the one that was admitted
 * last. Undefined where only apps brought it.
 */
export function ownerOf(state: RegistryState, model: string): string | undefined {
  const found = findModel(state, model);
  if (found === undefined) return undefined;
  const stable = found.versions[found.labels[STABLE] ?? ''];
  const admitted = Object.values(found.versions)
    .filter((record) => record.admitted && record.component !== undefined)
    .toSorted((a, b) => (b.admittedAtMs ?? 0) - (a.admittedAtMs ?? 0));
  return stable?.component ?? admitted[0]?.component;
}
