import { parseSummary, type ModelState } from '../../src/contract/mod.js';
import type { DeviceStates } from './schema.js';

/** A version in one of these does not answer, and will not by itself. */
const BROKEN: ReadonlySet<ModelState> = new Set(['FAILED', 'QUARANTINED', 'ROLLED_BACK']);

export interface Bucket {
  readonly key: string;
  readonly count: number;
}

/**
 * What a device with this summary is, by the worst of its models. A model fails where none of its versions can
 * answer: a version that was refused or taken back stays in the summary beside the one that serves, as news.
 */
export function deviceState(summary: string): 'healthy' | 'probation' | 'drifted' | 'failing' {
  const versions = parseSummary(summary);
  const able = new Set(versions.filter(({ state }) => !BROKEN.has(state)).map(({ name }) => name));
  if (versions.some(({ name }) => !able.has(name))) return 'failing';
  if (versions.some(({ drifted }) => drifted)) return 'drifted';
  if (versions.some(({ state }) => state === 'PROBATION')) return 'probation';
  return 'healthy';
}

/** @param connected summaries of the connected devices that ever sent one */
export function countStates(
  devices: { readonly registeredDeviceCount: number; readonly connectedDeviceCount: number },
  connected: readonly Bucket[],
): DeviceStates {
  const states = { healthy: 0, probation: 0, drifted: 0, failing: 0 };
  for (const { key, count } of connected) states[deviceState(key)] += count;
  const heard = connected.reduce((sum, { count }) => sum + count, 0);
  return {
    ...states,
    // The index moves between two aggregations.
    silent: Math.max(0, devices.connectedDeviceCount - heard),
    offline: Math.max(0, devices.registeredDeviceCount - devices.connectedDeviceCount),
  };
}
