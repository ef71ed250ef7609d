import type { DeploymentRecord, DeploymentSummary } from '../cloud/fleet/mod.js';
import { applyChanges, diffComponents, type ComponentChange, type ComponentSet } from './components.js';
import { isPlanned, type RolloutContext } from './context.js';
import { createDeployment } from './create.js';
import { markOf } from './marks.js';
import { digest } from './rollout-plan.js';

/** A deployment of the fleet, and the set that its author had before him. */
export interface Revision {
  readonly components: ComponentSet;
  readonly from: ComponentSet;
}

/**
 * What authors changed, one after the other, and the last set lacks: somebody wrote over it without having seen
 * it. `isPlanned` names are left out: the plan itself says what becomes of those. Pure.
 */
export function lostChanges(
  start: ComponentSet,
  revisions: readonly Revision[],
  planned: (name: string) => boolean,
): readonly ComponentChange[] {
  let intended = start;
  for (const { from, components } of revisions)
    intended = applyChanges(intended, diffComponents(from, components));
  const last = revisions.at(-1)?.components ?? start;
  return diffComponents(last, intended).filter(({ name }) => !planned(name));
}

/**
 * Greengrass has no conditional create: somebody's deployment may have come between our look and ours, and ours
 * has replaced it. The revisions tell, also when others have deployed on top of ours since; then what was lost is
 * put on top of the fleet's deployment. @returns that deployment; undefined where nothing was lost
 */
export async function repairRace(
  context: RolloutContext,
  latest: DeploymentRecord,
): Promise<DeploymentRecord | undefined> {
  const { plan, planId } = context.proposal;
  const { start, revisions } = await sinceLastSeen(context, latest);
  if (revisions.length < 2) return undefined;
  const lost = lostChanges(start, revisions, (name) => isPlanned(plan, name));
  if (lost.length === 0) return undefined;
  const purpose = markOf(latest, 'purpose');
  const isOfPlan = markOf(latest, 'plan') === planId && (purpose === 'final' || purpose === 'rollback');
  const repair = { merged: latest, isRepair: true, components: applyChanges(latest.components, lost) };
  if (!isOfPlan) {
    const rolloutId = digest(planId, latest.id);
    return createDeployment(context, {
      purpose: 'base',
      rolloutId,
      base: latest,
      ...repair,
    });
  }
  return createDeployment(context, {
    purpose,
    rolloutId: markOf(latest, 'rollout') ?? '',
    base: await recordOf(context, markOf(latest, 'base')),
    ...repair,
    reason: markOf(latest, 'reason') ?? '',
  });
}

/** From the set that the newest deployment of ours was made from, the deployments up to the latest. */
async function sinceLastSeen(
  context: RolloutContext,
  latest: DeploymentRecord,
): Promise<{ start: ComponentSet; revisions: readonly Revision[] }> {
  const { cloud } = context;
  const history = (await cloud.deployments(latest.targetArn, 50)).filter(
    (one) => one.revision <= latest.revision,
  );
  const { own, since } = await newestOwn(context, history);
  if (own === undefined) return { start: {}, revisions: [] };
  const known = seenBy(own);
  const between = history.filter((one) => isBetween(one, own, revisionOf(history, known)));
  // Each deployment of ours was made from one that had lost nothing, or repairs it.
  if (between.length === 0) return { start: {}, revisions: [] };
  const before: DeploymentRecord[] = [];
  for (const one of between.reverse()) before.push(await cloud.deployment(one.id));
  const seen = (await recordOf(context, known))?.components ?? {};
  // What a repair put back was meant before all that came between, what other deployments of ours change after.
  const isRepair = markOf(own, 'repair') !== undefined;
  return {
    start: isRepair ? own.components : seen,
    revisions: [
      ...authored(seen, before),
      { components: own.components, from: isRepair ? own.components : seen },
      ...authored(own.components, since),
    ],
  };
}

/** The newest deployment of ours, and those that others made since, oldest first. */
async function newestOwn(
  { cloud }: RolloutContext,
  history: readonly DeploymentSummary[],
): Promise<{ readonly own: DeploymentRecord | undefined; readonly since: readonly DeploymentRecord[] }> {
  const since: DeploymentRecord[] = [];
  for (const one of history) {
    const record = await cloud.deployment(one.id);
    if (markOf(record, 'purpose') !== undefined) return { own: record, since };
    since.unshift(record);
  }
  return { own: undefined, since };
}

/** Deployments of others, each made from the one before. */
function authored(first: ComponentSet, records: readonly DeploymentRecord[]): readonly Revision[] {
  return records.map(({ components }, index) => ({
    components,
    from: index === 0 ? first : (records[index - 1]?.components ?? first),
  }));
}

/** The deployment of the fleet that the author of one of ours had before him. */
function seenBy(record: DeploymentRecord): string | undefined {
  return markOf(record, 'merged') ?? markOf(record, 'base');
}

function revisionOf(history: readonly DeploymentSummary[], id: string | undefined): number {
  return history.find((one) => one.id === id)?.revision ?? 0;
}

function isBetween(one: DeploymentSummary, own: DeploymentRecord, knownRevision: number): boolean {
  return one.revision > knownRevision && one.revision < own.revision;
}

async function recordOf(
  { cloud }: RolloutContext,
  id: string | undefined,
): Promise<DeploymentRecord | undefined> {
  return id === undefined || id === 'none' ? undefined : cloud.deployment(id);
}
