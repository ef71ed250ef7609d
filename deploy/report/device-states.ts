import { parseSummary, type ModelState } from '../../src/contract/mod.js';
import type { DeviceStates } from './schema.js';

const FAILING: ReadonlySet<ModelState> = new Set(['FAILED', 'QUARANTINED']);

export interface Bucket {
  readonly key: string;
  readonly count: number;
}

/** What a device with this summary is, by the worst of its models. */
export function deviceState(summary: string): 'healthy' | 'probation' | 'drifted' | 'failing' {
  const models = parseSummary(summary);
  if (models.some(({ state }) => FAILING.has(state))) return 'failing';
  if (models.some(({ state, drifted }) => drifted || state === 'ROLLED_BACK')) return 'drifted';
  if (models.some(({ state }) => state === 'PROBATION')) return 'probation';
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
