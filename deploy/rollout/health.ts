import { HEARTBEAT_SHADOW, isCutSummary, parseSummary } from '../../src/contract/mod.js';
import type { DeploymentRecord, FleetIndex, JobCounts, Jobs } from '../cloud/fleet/mod.js';
import type { StageHealth } from './gate.js';
import type { RolloutPlan } from './rollout-plan.js';

export const SUMMARY_FIELD = `shadow.name.${HEARTBEAT_SHADOW}.reported.summary`;
const BAD = new Set(['FAILED', 'QUARANTINED', 'ROLLED_BACK']);

/** A stage's health from its job's counts and one aggregation of its devices' heartbeats: no call per device. */
export async function stageHealth(
  cloud: Jobs & FleetIndex,
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

type ModelHealth = Pick<StageHealth, 'unhealthy' | 'onProbation' | 'serving' | 'unnamed'>;
type Verdict = keyof ModelHealth | 'unknown';

async function modelHealth(cloud: FleetIndex, plan: RolloutPlan, group: string): Promise<ModelHealth> {
  const wanted = (plan.models ?? []).map((model) => `${model.name}@${model.version}`);
  if (wanted.length === 0) return { unhealthy: 0, onProbation: 0 };
  const counts: Record<Verdict, number> = {
    unhealthy: 0,
    onProbation: 0,
    serving: 0,
    unnamed: 0,
    unknown: 0,
  };
  for (const { key, count } of await cloud.buckets(`thingGroupNames:${group}`, SUMMARY_FIELD, 10_000))
    counts[verdictOf(key, wanted)] += count;
  const { unhealthy, onProbation, serving, unnamed } = counts;
  return { unhealthy, onProbation, serving, unnamed };
}

/** What a device's summary says of the wanted versions; only one that names each of them says that they serve. Pure. */
export function verdictOf(summary: string, wanted: readonly string[]): Verdict {
  const models = parseSummary(summary).filter(({ name, version }) => wanted.includes(`${name}@${version}`));
  if (models.some((model) => model.drifted || BAD.has(model.state))) return 'unhealthy';
  if (models.some((model) => model.state === 'PROBATION' || model.state === 'LOADING')) return 'onProbation';
  const serving = new Set(
    models.filter(({ state }) => state === 'SERVING').map(({ name, version }) => `${name}@${version}`),
  );
  if (wanted.every((key) => serving.has(key))) return 'serving';
  return isCutSummary(summary) && models.length < wanted.length ? 'unnamed' : 'unknown';
}
