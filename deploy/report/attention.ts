import { parseSummary } from '../../src/contract/mod.js';
import type { FleetIndex } from '../cloud/fleet/mod.js';
import { deviceState } from './device-states.js';
import { INDEXED } from './fields.js';

/** A device that a person should look at. */
export interface DeviceInNeed {
  readonly device: string;
  readonly connected: boolean;
  readonly state: 'drifted' | 'failing';
  /** The models that are the reason, such as `SileroVad 6.0.0 QUARANTINED`. */
  readonly models: readonly string[];
}

/** Devices that fail or drifted, the failing first, at most `limit`: a call for each kind of trouble. */
export async function devicesInNeed(
  cloud: FleetIndex,
  fleet: string,
  limit = 50,
): Promise<readonly DeviceInNeed[]> {
  const buckets = await cloud.buckets(`thingGroupNames:${fleet}`, INDEXED.summary, 10_000);
  const troubled = buckets
    .map(({ key }) => ({ summary: key, state: deviceState(key) }))
    .filter((one) => one.state === 'failing' || one.state === 'drifted')
    .sort((a, b) => (a.state === b.state ? 0 : a.state === 'failing' ? -1 : 1));
  const found: DeviceInNeed[] = [];
  for (const { summary, state } of troubled) {
    if (found.length >= limit) break;
    const query = `thingGroupNames:${fleet} AND ${INDEXED.summary}:"${summary.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
    const things = await cloud.search(query, limit - found.length);
    const models = troubledModels(summary);
    for (const { name, connected } of things)
      found.push({ device: name, connected, state: state === 'failing' ? 'failing' : 'drifted', models });
  }
  return found;
}

function troubledModels(summary: string): readonly string[] {
  return parseSummary(summary)
    .filter(
      ({ state, drifted }) =>
        drifted || state === 'FAILED' || state === 'QUARANTINED' || state === 'ROLLED_BACK',
    )
    .map(({ name, version, state, drifted }) => `${name} ${version} ${state}${drifted ? ', drifted' : ''}`);
}
