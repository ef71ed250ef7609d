import { EdgeError } from '../../core/mod.js';
import type { PackageSignature } from '../../model/mod.js';
import type { Announced } from '../packages/mod.js';
import type { LoadReport } from '../host/port/mod.js';
import {
  askedBy,
  findVersion,
  QUARANTINE_TRIES,
  updateModel,
  type RegistryState,
  type VersionRecord,
} from '../registry/mod.js';

/** The record of a package that asks to be admitted: what is known of it already stays. */
export function newRecord(
  state: RegistryState,
  model: string,
  { manifest, digest }: Announced,
  origin: { readonly component?: string; readonly source: string },
): VersionRecord {
  const known = findVersion(state, model, manifest.version);
  const same = known?.digest === digest ? known : undefined;
  // Whoever loads by path what a deployment brought does not take it from its component.
  const component = origin.component ?? same?.component;
  return {
    version: manifest.version,
    digest,
    packageName: manifest.name,
    ...(component === undefined ? {} : { component }),
    source: origin.source,
    kept: false,
    admitted: same?.admitted ?? false,
    tries: same?.tries ?? 0,
    ...askedBy(manifest),
    ...(same?.proved === undefined ? {} : { proved: same.proved }),
    ...(same?.passedOver === undefined ? {} : { passedOver: same.passedOver }),
    ...(same?.pinned === undefined ? {} : { pinned: same.pinned }),
    ...(same?.compiledDigest === undefined ? {} : { compiledDigest: same.compiledDigest }),
  };
}

/** The record with what a host found of its graph; the same object where that is known already. */
export function withDigests(record: VersionRecord, report: LoadReport): VersionRecord {
  const { compiledDigest = record.compiledDigest } = report;
  if (compiledDigest === undefined || compiledDigest === record.compiledDigest) return record;
  return { ...record, compiledDigest };
}

/** A verdict, not an absence: whoever asks must not try again until somebody answers. */
export function asRefusal(error: EdgeError): EdgeError {
  if (error.code !== 'UNAVAILABLE' && error.code !== 'DEADLINE_EXCEEDED') return error;
  return new EdgeError('MODEL_CRASHED', error.message, { field: error.field, cause: error });
}

/** What the model's component wants, whether or not it serves. */
export function desire(state: RegistryState, model: string, version: string): RegistryState {
  return updateModel(state, model, (record) =>
    record.desired === version ? record : { ...record, desired: version },
  );
}

/** As the registry and describe have it: `unchecked`, `unsigned`, or `verified by <key|certificate> <signer>`. */
export function signatureText(signature: PackageSignature): string {
  return signature.state === 'verified'
    ? `verified by ${signature.method} ${signature.signer}`
    : signature.state;
}

/** What the registry remembers of a package whose first verdict was a refusal. */
export function refusedRecord(
  { manifest, digest }: Announced,
  origin: { readonly component: string; readonly source: string },
  failure: { readonly reason: string; readonly tries: number; readonly atMs: number },
): VersionRecord {
  return {
    version: manifest.version,
    digest,
    packageName: manifest.name,
    ...origin,
    kept: false,
    admitted: false,
    admittedAtMs: failure.atMs,
    tries: failure.tries,
    ...(failure.tries >= QUARANTINE_TRIES ? { quarantined: failure.reason } : {}),
  };
}
