import { EdgeError } from '../../src/core/mod.js';
import type { Deployments, FailedDevice, Jobs, ThingGroups } from '../cloud/fleet/mod.js';
import { groupsOf, markOf } from './marks.js';

export interface HistoryEntry {
  /** The thing group: the fleet, or one of its stages. */
  readonly target: string;
  readonly revision: number;
  readonly deploymentId: string;
  readonly name: string;
  readonly state: string;
  /** stage, final, base or rollback; `other` for a deployment that no rollout of ours made. */
  readonly purpose: string;
  readonly createdAtMs: number;
  readonly components: Readonly<Record<string, string>>;
  /** Why it was made, or given up: of a rollback; else ''. */
  readonly reason: string;
  readonly succeededDevices: number;
  readonly failedDevices: number;
  /** The first of the devices that failed, with the reason that each gave. */
  readonly failures: readonly FailedDevice[];
}

const MOST_FAILURES = 5;

/** The last deployments of a fleet and of its stages, newest first, with the devices that failed. */
export async function rolloutHistory(
  cloud: ThingGroups & Deployments & Jobs,
  fleet: string,
  limit = 10,
): Promise<readonly HistoryEntry[]> {
  const groups = await groupsOf(cloud, fleet);
  if (groups.length === 0) {
    throw new EdgeError(
      'FLEET_NOT_FOUND',
      `Cannot read the history as the thing group ${fleet} does not exist`,
      { field: 'fleet', nextStep: 'edge-manager fleet list shows the fleets there are' },
    );
  }
  const found: { target: string; id: string; createdAtMs: number }[] = [];
  for (const { name: target, arn } of groups) {
    for (const { id, createdAtMs } of await cloud.deployments(arn, limit))
      found.push({ target, id, createdAtMs });
  }
  const newest = found.sort((a, b) => b.createdAtMs - a.createdAtMs).slice(0, limit);
  const entries: HistoryEntry[] = [];
  for (const { target, id } of newest) entries.push(await entryOf(cloud, target, id));
  return entries;
}

async function entryOf(cloud: Deployments & Jobs, target: string, id: string): Promise<HistoryEntry> {
  const record = await cloud.deployment(id);
  const { succeeded, failed, timedOut, rejected } = await cloud.jobCounts(record.jobId);
  const failedDevices = failed + timedOut + rejected;
  return {
    target,
    revision: record.revision,
    deploymentId: id,
    name: record.name,
    state: record.state,
    purpose: markOf(record, 'purpose') ?? 'other',
    createdAtMs: record.createdAtMs,
    components: Object.fromEntries(
      Object.entries(record.components).map(([name, { componentVersion }]) => [name, componentVersion]),
    ),
    reason: markOf(record, 'reason') ?? '',
    succeededDevices: succeeded,
    failedDevices,
    failures: failedDevices === 0 ? [] : await cloud.failedDevices(record.jobId, MOST_FAILURES),
  };
}
