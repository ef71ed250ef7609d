import { tagText, type DeploymentRecord, type NewDeployment } from '../cloud/fleet/mod.js';
import type { ComponentSet } from './components.js';
import { stageAt, type RolloutContext } from './context.js';
import { MARKS, type Purpose } from './marks.js';
import { digest } from './rollout-plan.js';
import type { RolloutProposal } from './proposal.js';

export interface RolloutDeployment {
  readonly purpose: Purpose;
  readonly rolloutId: string;
  readonly base: DeploymentRecord | undefined;
  readonly components: ComponentSet;
  /** The fleet's deployment that this one replaces, where that is not the base. */
  readonly merged?: DeploymentRecord | undefined;
  readonly stage?: number;
  /** Of the stage's group; without it the deployment is the fleet's. */
  readonly targetArn?: string | undefined;
  readonly reason?: string;
  /** It only puts back what one of ours wrote over. */
  readonly isRepair?: boolean;
}

/** Makes it, or finds it: a deployment of equal plan, base and purpose is made once. */
export async function createDeployment(
  { cloud, proposal }: RolloutContext,
  wanted: RolloutDeployment,
): Promise<DeploymentRecord> {
  return cloud.deployment(await cloud.createDeployment(requestOf(proposal, wanted)));
}

function requestOf(proposal: RolloutProposal, wanted: RolloutDeployment): NewDeployment {
  const { plan, targetArn } = proposal;
  const { purpose, rolloutId, merged, stage } = wanted;
  const stageName = stage === undefined ? '' : ` ${stageAt(plan, stage).name}`;
  return {
    targetArn: wanted.targetArn ?? targetArn,
    ...(wanted.targetArn === undefined ? {} : { parentTargetArn: targetArn }),
    name: `${plan.fleet} ${purpose}${stageName} ${rolloutId.slice(0, 8)}`,
    components: wanted.components,
    limits: {
      maximumPerMinute: plan.ratePerMinute,
      abort: plan.abort,
      timeoutMinutes: plan.timeoutMinutes,
    },
    rollbackOnFailure:
      purpose !== 'rollback' &&
      (stage === undefined || stageAt(plan, stage).failureHandling === 'ROLLBACK_ON_FAILURE'),
    tags: tagsOf(proposal, wanted),
    clientToken: digest(rolloutId, purpose, stage ?? 'fleet', merged?.id ?? 'none'),
  };
}

function tagsOf(
  { planId }: RolloutProposal,
  { purpose, rolloutId, base, merged, isRepair = false, reason = '' }: RolloutDeployment,
): Readonly<Record<string, string>> {
  return {
    [MARKS.rollout]: rolloutId,
    [MARKS.plan]: planId,
    [MARKS.purpose]: purpose,
    [MARKS.base]: base?.id ?? 'none',
    ...(merged === undefined ? {} : { [MARKS.merged]: merged.id }),
    ...(isRepair ? { [MARKS.repair]: 'yes' } : {}),
    ...(reason === '' ? {} : { [MARKS.reason]: tagText(reason) }),
  };
}
