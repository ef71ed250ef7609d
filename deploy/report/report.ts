import { parseSummary } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import type { FleetIndex, ThingGroups } from '../cloud/fleet/mod.js';
import { FLEET_MARKS } from '../fleet/mod.js';
import { countStates, type Bucket } from './device-states.js';
import { INDEXED } from './fields.js';
import type { FleetReport, ModelReport } from './schema.js';

const RUNNING = new Set(['SERVING', 'PROBATION']);
/** The most that one aggregation gives. */
const MAX_BUCKETS = 10_000;

/** GetDeviceFleetReport's counterpart: eleven calls at most, whatever the fleet's size. */
export async function fleetReport(
  cloud: ThingGroups & FleetIndex,
  fleet: string,
  nowMs: number,
): Promise<FleetReport> {
  const group = await cloud.group(fleet);
  if (group === undefined) {
    throw new EdgeError(
      'FLEET_NOT_FOUND',
      `Cannot report on the fleet as the thing group ${fleet} does not exist`,
      { field: 'fleet', nextStep: 'edge-manager fleet list shows the fleets there are' },
    );
  }
  const fields = await cloud.indexedFields();
  if (fields?.includes(INDEXED.summary) !== true) {
    throw new EdgeError('INDEXING_OFF', `Cannot report on the fleet as fleet indexing is off`, {
      nextStep: `Turn on what reports need: edge-manager report ${fleet} --set-up`,
    });
  }
  const all = `thingGroupNames:${fleet}`;
  const connected = `${all} AND connectivity.connected:true`;
  const tags = await cloud.groupTags(group.arn);
  const deviceStats = {
    registeredDeviceCount: await cloud.count(all),
    connectedDeviceCount: await cloud.count(connected),
  };
  const summaries = await cloud.buckets(all, INDEXED.summary, MAX_BUCKETS);
  const live = await cloud.buckets(connected, INDEXED.summary, MAX_BUCKETS);
  const agents = await cloud.buckets(all, INDEXED.agentVersion, 100);
  const capture = await captureSums(cloud, all, fields);
  return {
    deviceFleetName: fleet,
    deviceFleetArn: group.arn,
    description: group.description,
    outputConfig: outputOf(tags),
    reportGeneratedMs: nowMs,
    deviceStats,
    deviceStates: countStates(deviceStats, live),
    agentVersions: agents.map(({ key, count }) => ({ version: key, agentCount: count })),
    modelStats: modelStats(summaries, live),
    latencyP99Ms: [...(await cloud.percentiles(all, INDEXED.p99Ms, [50, 90, 99]))],
    ...(capture === undefined ? {} : { capture }),
  };
}

function outputOf(tags: Readonly<Record<string, string>>): FleetReport['outputConfig'] {
  const s3OutputLocation = tags[FLEET_MARKS.output];
  const kmsKeyId = tags[FLEET_MARKS.kmsKey];
  return {
    ...(s3OutputLocation === undefined ? {} : { s3OutputLocation }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
  };
}

async function captureSums(
  cloud: FleetIndex,
  query: string,
  fields: readonly string[],
): Promise<FleetReport['capture']> {
  const sum = async (field: string): Promise<number | undefined> =>
    fields.includes(field) ? cloud.sum(query, field) : undefined;
  const deliveredRecords = await sum(INDEXED.deliveredRecords);
  const queuedRecords = await sum(INDEXED.queuedRecords);
  if (deliveredRecords === undefined && queuedRecords === undefined) return undefined;
  return {
    ...(deliveredRecords === undefined ? {} : { deliveredRecords }),
    ...(queuedRecords === undefined ? {} : { queuedRecords }),
  };
}

/** Counts per version from the distinct summaries, of which a fleet has few. */
function modelStats(all: readonly Bucket[], live: readonly Bucket[]): ModelReport[] {
  const models = new Map<string, ModelReport>();
  for (const { key, count } of all) add(models, key, { offline: count, connected: 0 });
  for (const { key, count } of live) add(models, key, { offline: -count, connected: count });
  return [...models.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, model]) => model);
}

function add(
  models: Map<string, ModelReport>,
  summary: string,
  { offline, connected }: { readonly offline: number; readonly connected: number },
): void {
  for (const model of parseSummary(summary)) {
    const key = `${model.name}@${model.version}`;
    const held = models.get(key);
    models.set(key, {
      modelName: model.name,
      modelVersion: model.version,
      // A device that connects between the two aggregations is counted once too often.
      offlineDeviceCount: Math.max(0, (held?.offlineDeviceCount ?? 0) + offline),
      connectedDeviceCount: (held?.connectedDeviceCount ?? 0) + connected,
      activeDeviceCount: (held?.activeDeviceCount ?? 0) + (RUNNING.has(model.state) ? connected : 0),
      samplingDeviceCount: (held?.samplingDeviceCount ?? 0) + (model.sampling ? connected : 0),
      driftedDeviceCount: (held?.driftedDeviceCount ?? 0) + (model.drifted ? connected : 0),
    });
  }
}
