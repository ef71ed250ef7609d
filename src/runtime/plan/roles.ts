import { STABLE } from '../../contract/mod.js';
import { findModel, type RegistryState } from '../registry/mod.js';
import type { Role } from './planner.js';

/** Why a version is in memory, or should be, by what the registry says of it. */
export function roleOf(state: RegistryState, model: string, version: string, retiring: boolean): Role {
  const found = findModel(state, model);
  const record = found?.versions[version];
  if (found === undefined || record === undefined) return 'barred';
  if (!found.wanted || record.quarantined !== undefined || !record.admitted) return 'barred';
  if (record.pinned === true) return 'pinned';
  if (found.labels[STABLE] === version) return 'serving';
  if (found.probationAgainst === version) return 'fallback';
  return retiring ? 'retiring' : 'spare';
}
