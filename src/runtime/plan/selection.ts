import { STABLE } from '../../contract/mod.js';
import { EdgeError } from '../../core/mod.js';
import { findModel, findVersion, type RegistryState, type VersionRecord } from '../registry/mod.js';

/** Which version a request means: at most one of both; none means label `stable`. */
export interface Selector {
  readonly version?: string | undefined;
  readonly label?: string | undefined;
}

export function keyOf(model: string, version: string): string {
  return `${model}@${version}`;
}

/**
 * The version that a request means, whatever its state.
 * @throws EdgeError NOT_FOUND, or INVALID_ARGUMENT where both a version and a label are given
 */
export function select(state: RegistryState, model: string, { version, label }: Selector): VersionRecord {
  if (version !== undefined && label !== undefined) {
    throw new EdgeError(
      'FIELD_INVALID',
      "Cannot select the model as 'version' and 'label' exclude each other",
      {
        field: 'label',
      },
    );
  }
  const found = findModel(state, model);
  if (found === undefined) {
    throw new EdgeError('MODEL_NOT_FOUND', `Cannot find the model '${model}' on this device`, {
      field: 'name',
    });
  }
  const name = label ?? STABLE;
  const labelled = Object.hasOwn(found.labels, name) ? found.labels[name] : undefined;
  const wanted = version ?? labelled ?? onlyVersion(label, Object.keys(found.versions));
  const record = wanted === undefined ? undefined : findVersion(state, model, wanted);
  if (record === undefined) {
    const which = version !== undefined ? `version ${version}` : `label '${name}'`;
    throw new EdgeError(
      'VERSION_NOT_FOUND',
      `Cannot find ${which} of the model '${model}': ${known(found)}`,
      {
        field: version !== undefined ? 'version' : 'label',
      },
    );
  }
  return record;
}

/** Without a stable version (its only package was refused) describe still tells why. */
function onlyVersion(label: string | undefined, versions: readonly string[]): string | undefined {
  return label === undefined ? versions.at(-1) : undefined;
}

function known({ versions, labels }: { versions: object; labels: object }): string {
  return `versions are ${Object.keys(versions).join(', ') || 'none'}; labels are ${Object.keys(labels).join(', ') || 'none'}`;
}

/** @throws EdgeError FAILED_PRECONDITION where this version may not run */
export function checkServable(model: string, record: VersionRecord): void {
  if (record.quarantined !== undefined) {
    throw new EdgeError(
      'MODEL_QUARANTINED',
      `Cannot serve ${keyOf(model, record.version)} as it is quarantined: ${record.quarantined}`,
    );
  }
  if (!record.admitted) {
    throw new EdgeError(
      'VERSION_REFUSED',
      `Cannot serve ${keyOf(model, record.version)} as it was refused: ${record.refused ?? 'no reason is known'}`,
    );
  }
}
