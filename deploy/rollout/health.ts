import { HEARTBEAT_SHADOW, parseSummary } from '../../src/contract/mod.js';
import type { DeploymentRecord, FleetCloud, JobCounts } from '../cloud/fleet-mod.js';
import type { StageHealth } from './gate.js';
import type { RolloutPlan } from './plan.js';

export const SUMMARY_FIELD = `shadow.name.${HEARTBEAT_SHADOW}.reported.summary`;
const BAD = new Set(['FAILED', 'QUARANTINED', 'ROLLED_BACK']);

/** A stage's health from its job's counts and one aggregation of its devices' heartbeats: no call per device. */
export async function stageHealth(
  cloud: FleetCloud,
  plan: RolloutPlan,
  group: string,
  deployment: DeploymentRecord,
  devices: number,
  nowMs: number,
): Promise<{ readonly health: Omit<StageHealth, 'healthySeconds'>; readonly counts: JobCounts }> {
  const counts = await cloud.jobCounts(deployment.jobId);
  const heartbeats = await modelHealth(cloud, plan, group);
  return {
    counts,
    health: {
      devices,
      succeeded: counts.succeeded,
      failed: counts.failed + counts.timedOut + counts.rejected,
      ...heartbeats,
      ageSeconds: Math.max(0, (nowMs - deployment.createdAtMs) / 1000),
    },
  };
}

async function modelHealth(
  cloud: FleetCloud,
  plan: RolloutPlan,
  group: string,
): Promise<{ readonly unhealthy: number; readonly onProbation: number }> {
  const wanted = new Set((plan.models ?? []).map((model) => `${model.name}@${model.version}`));
  let unhealthy = 0;
  let onProbation = 0;
  if (wanted.size === 0) return { unhealthy, onProbation };
  for (const { key, count } of await cloud.buckets(`thingGroupNames:${group}`, SUMMARY_FIELD, 10_000)) {
    const models = parseSummary(key).filter((model) => wanted.has(`${model.name}@${model.version}`));
    if (models.some((model) => model.drifted || BAD.has(model.state))) unhealthy += count;
    else if (models.some((model) => model.state === 'PROBATION' || model.state === 'LOADING'))
      onProbation += count;
  }
  return { unhealthy, onProbation };
}
