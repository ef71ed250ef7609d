import { HEARTBEAT_SHADOW, parseSummary, SUMMARY_MAX_CHARS } from '../../src/contract/mod.js';
import type { DeploymentRecord, FleetCloud, JobCounts } from '../cloud/fleet-mod.js';
import type { StageHealth } from './gate.js';
import type { RolloutPlan } from './plan.js';

export const SUMMARY_FIELD = `shadow.name.${HEARTBEAT_SHADOW}.reported.summary`;
/** `name@version/STATE+drifted+sampling;` at its longest. */
const LONGEST_PART_CHARS = 160;
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

type ModelHealth = Pick<StageHealth, 'unhealthy' | 'onProbation' | 'serving'>;
type Verdict = keyof ModelHealth | 'unknown';

async function modelHealth(cloud: FleetCloud, plan: RolloutPlan, group: string): Promise<ModelHealth> {
  const wanted = (plan.models ?? []).map((model) => `${model.name}@${model.version}`);
  if (wanted.length === 0) return { unhealthy: 0, onProbation: 0 };
  const counts: Record<Verdict, number> = { unhealthy: 0, onProbation: 0, serving: 0, unknown: 0 };
  for (const { key, count } of await cloud.buckets(`thingGroupNames:${group}`, SUMMARY_FIELD, 10_000))
    counts[verdictOf(key, wanted)] += count;
  const { unhealthy, onProbation, serving } = counts;
  return { unhealthy, onProbation, serving };
}

/** What a device's summary says of the wanted versions. Pure. */
export function verdictOf(summary: string, wanted: readonly string[]): Verdict {
  const models = parseSummary(summary).filter(({ name, version }) => wanted.includes(`${name}@${version}`));
  if (models.some((model) => model.drifted || BAD.has(model.state))) return 'unhealthy';
  if (models.some((model) => model.state === 'PROBATION' || model.state === 'LOADING')) return 'onProbation';
  const serving = models.filter((model) => model.state === 'SERVING').length;
  // A summary that is full leaves models out: of those only the deployment's own result is known.
  const isCut = summary.length > SUMMARY_MAX_CHARS - LONGEST_PART_CHARS;
  return serving === wanted.length || (isCut && serving === models.length) ? 'serving' : 'unknown';
}
