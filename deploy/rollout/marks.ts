import type { DeploymentRecord, Deployments, ThingGroups } from '../cloud/fleet/mod.js';
import { MAX_STAGES } from './stages.js';

/**
 * A rollout keeps its state in AWS: each deployment that it makes says, in tags, which rollout made it and what
 * for. Whoever starts the same command again, on any machine, reads the same state and goes on.
 */
export const MARKS = {
  /** Plan and base together. */
  rollout: 'edge-manager:rollout',
  plan: 'edge-manager:plan',
  /** The fleet's deployment that the rollout started from. */
  base: 'edge-manager:base',
  /** The deployment of the fleet that this one replaced, where that is not the base. */
  merged: 'edge-manager:merged',
  /** Only puts back what a deployment of ours wrote over. */
  repair: 'edge-manager:repair',
  /** stage, final, base or rollback. */
  purpose: 'edge-manager:purpose',
  /** By a person: canceled, continue. */
  order: 'edge-manager:order',
  reason: 'edge-manager:reason',
  /** Since when the stage is healthy without a break, ISO 8601; `no` after it was, and is not now. */
  healthySince: 'edge-manager:healthy-since',
} as const;
export type Purpose = 'base' | 'stage' | 'final' | 'rollback';

export function markOf(
  deployment: DeploymentRecord | undefined,
  mark: keyof typeof MARKS,
): string | undefined {
  return deployment?.tags[MARKS[mark]];
}

/** The thing group of a stage: a group of its own, as a thing may be in one group of a hierarchy only. */
export function stageGroup(fleet: string, index: number): string {
  return `${fleet}-stage-${index + 1}`;
}

/** A thing group that deployments of a fleet go to. */
export interface TargetGroup {
  readonly name: string;
  readonly arn: string;
}

/** The groups of a fleet's stages: made in order, so behind the first that is missing there is none. */
export async function stageGroupsOf(cloud: ThingGroups, fleet: string): Promise<readonly TargetGroup[]> {
  const groups: TargetGroup[] = [];
  for (let index = 0; index < MAX_STAGES; index++) {
    const name = stageGroup(fleet, index);
    const arn = await cloud.groupArn(name);
    if (arn === undefined) break;
    groups.push({ name, arn });
  }
  return groups;
}

/** The fleet's own group, where there is one, and those of its stages. */
export async function groupsOf(cloud: ThingGroups, fleet: string): Promise<readonly TargetGroup[]> {
  const arn = await cloud.groupArn(fleet);
  return arn === undefined ? [] : [{ name: fleet, arn }, ...(await stageGroupsOf(cloud, fleet))];
}

/** The latest deployment of a target, whole. */
export async function latestOf(cloud: Deployments, targetArn: string): Promise<DeploymentRecord | undefined> {
  const [latest] = await cloud.deployments(targetArn, 10);
  return latest === undefined ? undefined : cloud.deployment(latest.id);
}
