import { EdgeError } from '../../src/core/mod.js';
import type { DeploymentRecord, Deployments, JobLimits, ThingGroups } from '../cloud/fleet/mod.js';
import { diffComponents, isOwnComponent, type ComponentChange, type ComponentSet } from './components.js';
import { latestOf, markOf, MARKS, stageGroupsOf } from './marks.js';
import { digest } from './rollout-plan.js';

/** A stage's group that still holds devices: they heed its deployment, not the fleet's. */
export interface StagedDevices {
  readonly group: string;
  readonly deployment: DeploymentRecord;
}

export interface FleetRollback {
  /** The fleet's deployment now. */
  readonly from: DeploymentRecord;
  /** What it goes back to; `from` itself where only devices of stages have strayed from it. */
  readonly to: DeploymentRecord;
  readonly components: ComponentSet;
  readonly changes: readonly ComponentChange[];
  readonly staged: readonly StagedDevices[];
}

/**
 * The way back to the last known-good set. Where a rollout stood still in its stages, that is the fleet's own set,
 * for the devices of those stages. Else it is of ours what an earlier deployment of the fleet had that was not
 * itself stopped or rolled back, and of others what is there now. Throws where there is no such deployment.
 */
export async function proposeRollback(
  cloud: ThingGroups & Deployments,
  fleet: string,
  owns: readonly string[] = [],
): Promise<FleetRollback> {
  const arn = await cloud.groupArn(fleet);
  const from = arn === undefined ? undefined : await latestOf(cloud, arn);
  if (from === undefined) {
    throw new EdgeError('DEPLOYMENT_NOT_FOUND', `Cannot roll back as the fleet ${fleet} has no deployment`, {
      field: 'fleet',
    });
  }
  const staged = await stagedDevices(cloud, fleet);
  const strayed = staged.filter(({ deployment }) => differ(deployment.components, from.components, owns));
  const [first] = strayed;
  if (first !== undefined) {
    const { components } = from;
    const changes = diffComponents(first.deployment.components, components);
    return { from, to: from, components, changes, staged: strayed };
  }
  const to = await lastGood(cloud, from, owns);
  if (to === undefined) {
    throw new EdgeError(
      'ROLLOUT_NOTHING_EARLIER',
      `Cannot roll back as the fleet ${fleet} has no earlier set of another version`,
      { nextStep: 'Deploy the version that you want with edge-manager deploy apply' },
    );
  }
  const components = { ...part(from.components, owns, false), ...part(to.components, owns, true) };
  return { from, to, components, changes: diffComponents(from.components, components), staged };
}

async function lastGood(
  cloud: Deployments,
  from: DeploymentRecord,
  owns: readonly string[],
): Promise<DeploymentRecord | undefined> {
  const bad = new Set<string>();
  for (const one of await cloud.deployments(from.targetArn, 50)) {
    if (one.revision >= from.revision) continue;
    const to = await cloud.deployment(one.id);
    // What a rollback replaced was bad; what it names as its base was good.
    if (markOf(to, 'purpose') === 'rollback') bad.add(markOf(to, 'merged') ?? '');
    const isGood = to.state !== 'CANCELED' && to.state !== 'FAILED' && !bad.has(to.id);
    const isOfOurs = Object.keys(part(to.components, owns, true)).length > 0;
    if (isGood && isOfOurs && differ(from.components, to.components, owns)) return to;
  }
  return undefined;
}

/** The components of a set that are ours, or those that are not. */
function part(set: ComponentSet, owns: readonly string[], ours: boolean): ComponentSet {
  return Object.fromEntries(Object.entries(set).filter(([name]) => isOwnComponent(name, owns) === ours));
}

function differ(a: ComponentSet, b: ComponentSet, owns: readonly string[]): boolean {
  return diffComponents(part(a, owns, true), part(b, owns, true)).length > 0;
}

/** The stage groups of a fleet that hold devices and have a deployment, by stage. */
export async function stagedDevices(
  cloud: ThingGroups & Deployments,
  fleet: string,
): Promise<readonly StagedDevices[]> {
  const staged: StagedDevices[] = [];
  for (const { name: group, arn } of await stageGroupsOf(cloud, fleet)) {
    if ((await cloud.thingsIn(group)).length === 0) continue;
    const deployment = await latestOf(cloud, arn);
    if (deployment !== undefined) staged.push({ group, deployment });
  }
  return staged;
}

/**
 * Carries it out, to all devices at once within the limits: of the fleet, and of stage groups that hold devices.
 * Asked for twice, it is done once. @returns ids of the deployments
 */
export async function applyRollback(
  cloud: Deployments,
  fleet: string,
  { from, to, components, staged }: FleetRollback,
  limits: JobLimits,
): Promise<readonly string[]> {
  const made: string[] = [];
  const common = { components, limits, rollbackOnFailure: false };
  const tags = {
    [MARKS.purpose]: 'rollback',
    [MARKS.base]: to.id,
    [MARKS.reason]: 'a person asked for it',
  };
  for (const { group, deployment } of staged) {
    made.push(
      await cloud.createDeployment({
        ...common,
        targetArn: deployment.targetArn,
        parentTargetArn: from.targetArn,
        name: `${fleet} rollback ${group}`,
        // The rollout that made the stage, if it still runs, follows this to its end.
        tags: { ...tags, ...rolloutOf(deployment) },
        clientToken: digest('rollback', from.id, to.id, deployment.id),
      }),
    );
  }
  if (to.id === from.id) return made;
  const id = await cloud.createDeployment({
    ...common,
    targetArn: from.targetArn,
    name: `${fleet} rollback to revision ${to.revision}`,
    tags: { ...tags, [MARKS.merged]: from.id },
    clientToken: digest('rollback', from.id, to.id),
  });
  return [...made, id];
}

function rolloutOf({ tags }: DeploymentRecord): Readonly<Record<string, string>> {
  const names: readonly string[] = [MARKS.rollout, MARKS.plan];
  return Object.fromEntries(Object.entries(tags).filter(([name]) => names.includes(name)));
}
