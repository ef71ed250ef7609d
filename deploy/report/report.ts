import { HEARTBEAT_SHADOW, parseSummary } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import type { FleetCloud } from '../cloud/fleet-mod.js';

const REPORTED = `shadow.name.${HEARTBEAT_SHADOW}.reported`;
/** What fleet indexing must aggregate for reports and gates. */
export const REPORT_FIELDS = [
  { name: `${REPORTED}.summary`, type: 'String' },
  { name: `${REPORTED}.agentVersion`, type: 'String' },
  { name: `${REPORTED}.p99Ms`, type: 'Number' },
] as const;
const RUNNING = new Set(['SERVING', 'PROBATION']);

/** Edge Manager's names; "connected" is fleet indexing's connectivity: the device holds an MQTT connection now. */
export interface ModelReport {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly offlineDeviceCount: number;
  readonly connectedDeviceCount: number;
  readonly activeDeviceCount: number;
  readonly samplingDeviceCount: number;
  readonly driftedDeviceCount: number;
}

export interface FleetReport {
  readonly deviceFleetName: string;
  readonly deviceStats: { readonly registeredDeviceCount: number; readonly connectedDeviceCount: number };
  readonly agentVersions: readonly { readonly version: string; readonly agentCount: number }[];
  readonly modelStats: readonly ModelReport[];
  readonly latencyP99Ms: readonly { readonly percent: number; readonly value: number }[];
}

/** Turns on what reports need, beside what the account indexes already. */
export async function indexHeartbeats(cloud: FleetCloud): Promise<void> {
  await cloud.indexFields(REPORT_FIELDS, HEARTBEAT_SHADOW);
}

/** GetDeviceFleetReport's counterpart: seven calls, whatever the fleet's size. */
export async function fleetReport(cloud: FleetCloud, fleet: string): Promise<FleetReport> {
  if ((await cloud.groupArn(fleet)) === undefined) {
    throw new EdgeError(
      'NOT_FOUND',
      `Cannot report on the fleet as the thing group ${fleet} does not exist`,
      { field: 'fleet' },
    );
  }
  const all = `thingGroupNames:${fleet}`;
  const connected = `${all} AND connectivity.connected:true`;
  const summary = `${REPORTED}.summary`;
  const models = new Map<string, ModelReport>();
  for (const { key, count } of await cloud.buckets(all, summary, 10_000))
    add(models, key, { offlineDeviceCount: count });
  for (const { key, count } of await cloud.buckets(connected, summary, 10_000)) {
    add(models, key, { offlineDeviceCount: -count, connectedDeviceCount: count, live: count });
  }
  const agents = await cloud.buckets(all, `${REPORTED}.agentVersion`, 100);
  return {
    deviceFleetName: fleet,
    deviceStats: {
      registeredDeviceCount: await cloud.count(all),
      connectedDeviceCount: await cloud.count(connected),
    },
    agentVersions: agents.map(({ key, count }) => ({ version: key, agentCount: count })),
    modelStats: [...models.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, model]) => model),
    latencyP99Ms: await cloud.percentiles(all, `${REPORTED}.p99Ms`, [50, 90, 99]),
  };
}

function add(
  models: Map<string, ModelReport>,
  summary: string,
  counts: {
    readonly offlineDeviceCount: number;
    readonly connectedDeviceCount?: number;
    readonly live?: number;
  },
): void {
  const live = counts.live ?? 0;
  for (const model of parseSummary(summary)) {
    const key = `${model.name}@${model.version}`;
    const held = models.get(key);
    models.set(key, {
      modelName: model.name,
      modelVersion: model.version,
      offlineDeviceCount: (held?.offlineDeviceCount ?? 0) + counts.offlineDeviceCount,
      connectedDeviceCount: (held?.connectedDeviceCount ?? 0) + (counts.connectedDeviceCount ?? 0),
      activeDeviceCount: (held?.activeDeviceCount ?? 0) + (RUNNING.has(model.state) ? live : 0),
      samplingDeviceCount: (held?.samplingDeviceCount ?? 0) + (model.sampling ? live : 0),
      driftedDeviceCount: (held?.driftedDeviceCount ?? 0) + (model.drifted ? live : 0),
    });
  }
}
