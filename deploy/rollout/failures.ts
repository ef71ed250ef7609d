import { HEARTBEAT_SHADOW, HeartbeatReport } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { readAs, type FailedDevice, type IndexedDevice } from '../cloud/fleet/mod.js';
import type { RolloutCloud } from './context.js';
import { impliedModels, SUMMARY_FIELD, verdictOf } from './health.js';
import { markOf, stageGroup } from './marks.js';
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
  const heard = await orNone(async () => devicesOf(cloud, plan.fleet, failed, wanted));
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
  { fleet, stages }: RolloutPlan,
  { rolloutId }: RolloutStatus,
): Promise<readonly string[]> {
  const groups = [fleet, ...stages.slice(0, -1).map((_stage, index) => stageGroup(fleet, index))];
  const jobs: string[] = [];
  for (const group of groups) {
    const arn = await cloud.groupArn(group);
    const latest = arn === undefined ? [] : await cloud.deployments(arn, 5);
    for (const { id } of latest) {
      const record = await cloud.deployment(id);
      const brings = ['stage', 'final'].includes(markOf(record, 'purpose') ?? '');
      if (brings && markOf(record, 'rollout') === rolloutId) jobs.push(record.jobId);
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

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
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

/** Reasons are news beside the failures: an account without the index, or without the right to it, has none. */
async function orNone(look: () => Promise<readonly IndexedDevice[]>): Promise<readonly IndexedDevice[]> {
  try {
    return await look();
  } catch (thrown) {
    const isAbsent = thrown instanceof EdgeError && ['INDEXING_OFF', 'AWS_DENIED'].includes(thrown.reason);
    if (isAbsent) return [];
    throw thrown;
  }
}
