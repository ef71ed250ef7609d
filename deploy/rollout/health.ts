import { HEARTBEAT_SHADOW, isCutSummary, parseSummary } from '../../src/contract/mod.js';
import {
  whereIndexed,
  type DeploymentRecord,
  type FleetIndex,
  type JobCounts,
  type Jobs,
} from '../cloud/fleet/mod.js';
import type { StageHealth } from './gate.js';
import type { RolloutPlan } from './rollout-plan.js';

export const SUMMARY_FIELD = `shadow.name.${HEARTBEAT_SHADOW}.reported.summary`;
/** What `package` calls the component of a model. */
const MODEL_COMPONENTS = 'org.edgemanager.model.';
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
  const models = plan.models ?? impliedModels(plan);
  if (models.length === 0) return { unhealthy: 0, onProbation: 0 };
  const wanted = models.map((model) => `${model.name}@${model.version}`);
  const judge = (summary: string): Verdict => {
    const verdict = verdictOf(summary, wanted);
    const isNamed = plan.models !== undefined;
    return !isNamed && verdict === 'unknown' && servesAnother(summary, models) ? 'onProbation' : verdict;
  };
  const counts: Record<Verdict, number> = {
    unhealthy: 0,
    onProbation: 0,
    serving: 0,
    unnamed: 0,
    unknown: 0,
  };
  for (const { key, count } of await summariesOf(cloud, plan, group)) counts[judge(key)] += count;
  const { unhealthy, onProbation, serving, unnamed } = counts;
  // That a version serves is asked for only where the plan says under which name.
  return plan.models === undefined
    ? { unhealthy, onProbation }
    : { unhealthy, onProbation, serving, unnamed };
}

/** A plan that names no models needs neither the index nor the right to it: there Greengrass's result alone counts. */
async function summariesOf(
  cloud: FleetIndex,
  plan: RolloutPlan,
  group: string,
): ReturnType<FleetIndex['buckets']> {
  const look = () => cloud.buckets(`thingGroupNames:${group}`, SUMMARY_FIELD, 10_000);
  return plan.models === undefined ? await whereIndexed(look) : await look();
}

/**
 * The models that a plan brings without naming them, by their components' names: a version that a device has taken
 * back is no success, though its deployment succeeded long before.
 */
export function impliedModels({
  components,
}: RolloutPlan): { readonly name: string; readonly version: string }[] {
  return Object.entries(components).flatMap(([component, { version }]) =>
    component.startsWith(MODEL_COMPONENTS)
      ? [{ name: component.slice(MODEL_COMPONENTS.length), version }]
      : [],
  );
}

/** A device that still tells of the version before is not done, though its deployment may have succeeded. */
function servesAnother(summary: string, models: readonly { readonly name: string }[]): boolean {
  return parseSummary(summary).some((served) => models.some(({ name }) => name === served.name));
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
