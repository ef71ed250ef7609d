import { parseSummary } from '../../src/contract/mod.js';
import { quoted, type FleetIndex } from '../cloud/fleet/mod.js';
import { deviceState } from './device-states.js';
import { INDEXED } from './fields.js';

/** A device that a person should look at. */
export interface DeviceInNeed {
  readonly device: string;
  readonly connected: boolean;
  /** `doubtful`: it serves what would not be admitted any more; `fallback`: by the CPU in an accelerator's place. */
  readonly state: 'fallback' | 'doubtful' | 'drifted' | 'failing';
  /** The models that are the reason, such as `SileroVad 6.0.0 QUARANTINED`. */
  readonly models: readonly string[];
}

const URGENCY: readonly DeviceInNeed['state'][] = ['failing', 'drifted', 'doubtful', 'fallback'];

function needOf(summary: string): DeviceInNeed['state'] | undefined {
  const state = deviceState(summary);
  if (state === 'failing' || state === 'drifted') return state;
  const models = parseSummary(summary);
  if (models.some(({ doubt }) => doubt !== undefined)) return 'doubtful';
  return models.some(({ fallback }) => fallback === true) ? 'fallback' : undefined;
}

/** Devices that fail, drifted, serve what is in doubt, or fell back to the CPU, the failing first, at most `limit`: a call for each kind of trouble. */
export async function devicesInNeed(
  cloud: FleetIndex,
  fleet: string,
  limit = 50,
): Promise<readonly DeviceInNeed[]> {
  const buckets = await cloud.buckets(`thingGroupNames:${fleet}`, INDEXED.summary, 10_000);
  const troubled = buckets
    .flatMap(({ key }) => {
      const state = needOf(key);
      return state === undefined ? [] : [{ summary: key, state }];
    })
    .sort((a, b) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state));
  const found: DeviceInNeed[] = [];
  for (const { summary, state } of troubled) {
    if (found.length >= limit) break;
    const query = `thingGroupNames:${fleet} AND ${INDEXED.summary}:${quoted(summary)}`;
    const things = await cloud.search(query, limit - found.length);
    const models = troubledModels(summary);
    for (const { name, connected } of things) found.push({ device: name, connected, state, models });
  }
  return found;
}

function troubledModels(summary: string): readonly string[] {
  return parseSummary(summary)
    .filter(
      ({ state, drifted, doubt, fallback }) =>
        drifted ||
        doubt !== undefined ||
        fallback === true ||
        state === 'FAILED' ||
        state === 'QUARANTINED' ||
        state === 'ROLLED_BACK',
    )
    .map(({ name, version, state, drifted, doubt, fallback }) =>
      [
        `${name} ${version} ${state}`,
        ...(drifted ? ['drifted'] : []),
        ...(doubt === undefined ? [] : [doubt]),
        ...(fallback === true ? ['fallback'] : []),
      ].join(', '),
    );
}
