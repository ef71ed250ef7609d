import { HEARTBEAT_SHADOW, HeartbeatReport } from '../../src/contract/mod.js';
import { quoted, readAs, whereIndexed, type FailedDevice, type IndexedDevice } from '../cloud/fleet/mod.js';
import type { RolloutCloud } from './context.js';
import { impliedModels, SUMMARY_FIELD, verdictOf } from './health.js';
import { groupsOf, markOf } from './marks.js';
import type { RolloutPlan } from './rollout-plan.js';
import type { RolloutStatus } from './status.js';

/** A device on which a rollout failed. */
export interface DeviceFailure extends FailedDevice {
  /** What the device's own agent says of the version; '' where its heartbeat does not name it. */
  readonly agentReason: string;
}

/** How many devices are looked up one by one. */
const MOST_DEVICES = 20;

/**
 * The devices on which a rollout failed, also after it was taken back: those of its jobs with the nucleus's reason,
 * and those whose agent took the version back by itself, each with the reason in its last heartbeat.
 */
export async function rolloutFailures(
  cloud: RolloutCloud,
  plan: RolloutPlan,
  now: RolloutStatus,
): Promise<readonly DeviceFailure[]> {
  const wanted = (plan.models ?? impliedModels(plan)).map(({ name, version }) => `${name}@${version}`);
  const failed: DeviceFailure[] = [];
  for (const jobId of await jobsOf(cloud, plan, now)) {
    for (const one of await cloud.failedDevices(jobId, MOST_DEVICES - failed.length))
      failed.push({ ...one, agentReason: '' });
  }
  // Reasons are news beside the failures.
  const heard = await whereIndexed(async () => devicesOf(cloud, plan.fleet, failed, wanted));
  const reasons = new Map(heard.map((device) => [device.thing, reasonOf(device, wanted)]));
  const known = new Set(failed.map(({ thing }) => thing));
  const byThemselves = heard
    .filter(({ thing }) => !known.has(thing))
    .map(({ thing }) => ({ thing, status: reasons.get(thing)?.state ?? '', reason: '' }));
  return [...failed, ...byThemselves].map((one) => ({
    ...one,
    agentReason: reasons.get(one.thing)?.reason ?? '',
  }));
}

/** Of the deployments that brought the version, not of those that take it back. */
async function jobsOf(
  cloud: RolloutCloud,
  { fleet }: RolloutPlan,
  { rolloutId }: RolloutStatus,
): Promise<readonly string[]> {
  const jobs: string[] = [];
  for (const { arn } of await groupsOf(cloud, fleet)) {
    for (const { id } of await cloud.deployments(arn, 5)) {
      const record = await cloud.deployment(id);
      if (!['stage', 'final'].includes(markOf(record, 'purpose') ?? '')) continue;
      // Newest first: behind what another rollout has brought there is nothing of this one.
      if (markOf(record, 'rollout') !== rolloutId) break;
      jobs.push(record.jobId);
    }
  }
  return jobs;
}

/** The devices that failed, and those whose summary says that they do not serve the version, as the index has them. */
async function devicesOf(
  cloud: RolloutCloud,
  fleet: string,
  failed: readonly DeviceFailure[],
  wanted: readonly string[],
): Promise<readonly IndexedDevice[]> {
  const queries = failed.map(({ thing }) => `thingName:${quoted(thing)}`);
  if (wanted.length > 0) {
    for (const { key } of await cloud.buckets(`thingGroupNames:${fleet}`, SUMMARY_FIELD, 10_000)) {
      if (verdictOf(key, wanted) === 'unhealthy')
        queries.push(`thingGroupNames:${fleet} AND ${SUMMARY_FIELD}:${quoted(key)}`);
    }
  }
  const found = new Map<string, IndexedDevice>();
  for (const query of queries) {
    if (found.size >= MOST_DEVICES) break;
    for (const one of await cloud.indexedDevices(query, MOST_DEVICES - found.size)) found.set(one.thing, one);
  }
  return [...found.values()];
}

function reasonOf(
  device: IndexedDevice,
  wanted: readonly string[],
): { state: string; reason: string } | undefined {
  const heartbeat = readAs(HeartbeatReport, device.shadows[HEARTBEAT_SHADOW]);
  const model = heartbeat?.models.find(({ name, version }) => wanted.includes(`${name}@${version}`));
  if (model !== undefined) return { state: model.state, reason: model.reason ?? '' };
  return heartbeat?.lastError && { state: '', reason: heartbeat.lastError.message };
}
