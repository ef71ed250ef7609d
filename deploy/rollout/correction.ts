import type { DeploymentRecord } from '../cloud/fleet/mod.js';
import type { ComponentSet } from './components.js';
import { isOurs, stageAt, type RolloutContext } from './context.js';
import { createDeployment } from './create.js';
import { latestOf, markOf } from './marks.js';
import type { RolloutPlan } from './rollout-plan.js';
import type { StageGroups } from './stage-groups.js';
import { stageStatus, statusOf, type RolloutStatus, type StageStatus } from './status.js';

/** A rollout that goes no further. */
export interface Stopped {
  readonly rolloutId: string;
  readonly base: DeploymentRecord | undefined;
  readonly index: number;
  readonly deployment: DeploymentRecord;
  readonly reason: string;
  readonly seen: readonly StageStatus[];
}

/** Failure handling: back to the set before, or stand still. */
export class Correction {
  readonly #context: RolloutContext;
  readonly #groups: StageGroups;

  constructor(context: RolloutContext, groups: StageGroups) {
    this.#context = context;
    this.#groups = groups;
  }

  async stop({ rolloutId, base, index, deployment, reason, seen }: Stopped): Promise<RolloutStatus> {
    const { cloud, proposal, readOnly } = this.#context;
    const { plan } = proposal;
    const isCanceled = markOf(deployment, 'order') === 'canceled';
    const hasEarlier = Object.keys(base?.components ?? {}).some((name) => isOurs(plan, name));
    if (isCanceled || stageAt(plan, index).failureHandling === 'DO_NOTHING' || !hasEarlier) {
      if (deployment.state === 'ACTIVE' && !readOnly) await cloud.cancelDeployment(deployment.id);
      const why = isCanceled || hasEarlier ? reason : `${reason}; there is no earlier set to go back to`;
      return statusOf(proposal, rolloutId, isCanceled ? 'CANCELED' : 'STOPPED', seen, why);
    }
    if (readOnly) return statusOf(proposal, rolloutId, 'ROLLING_BACK', seen, reason);
    // The last stage first corrects the whole fleet: its mark makes every later look take this way.
    if (index === plan.stages.length - 1) {
      const components = earlierSet(plan, deployment.components, base?.components ?? {});
      const wanted = { purpose: 'rollback', rolloutId, base, components, reason } as const;
      await createDeployment(this.#context, { ...wanted, merged: deployment });
    } else {
      await this.#correctStage(index, rolloutId, base, reason);
    }
    return this.rollBack(rolloutId, base, reason);
  }

  /** Looks after a rollback that has begun, and sees it to its end. */
  async rollBack(rolloutId: string, base: DeploymentRecord | undefined, known = ''): Promise<RolloutStatus> {
    const { cloud, proposal } = this.#context;
    const latest = await latestOf(cloud, proposal.targetArn);
    const ofFleet = markOf(latest, 'purpose') === 'rollback' ? latest : undefined;
    let reason = known === '' ? (markOf(ofFleet, 'reason') ?? '') : known;
    const stages: StageStatus[] = [];
    for (const index of this.#groups.indexes) {
      const correction = await this.#correctionOf(index, rolloutId, base, reason);
      if (reason === '') reason = markOf(correction, 'reason') ?? '';
      stages.push(await this.#status(index, correction));
    }
    if (ofFleet !== undefined) stages.push(await this.#status(stages.length, ofFleet));
    if (stages.some((stage) => stage.state === 'ROLLING_BACK'))
      return statusOf(proposal, rolloutId, 'ROLLING_BACK', stages, reason);
    // What others deployed to the fleet meanwhile has not reached the devices in stage groups.
    if (latest !== undefined && !(await this.#groups.align(latest, { purpose: 'rollback', rolloutId, base })))
      return statusOf(proposal, rolloutId, 'ROLLING_BACK', stages, reason);
    await this.#groups.empty();
    const outcome = (await isStill(this.#context, latest)) ? 'ROLLED_BACK' : 'ROLLING_BACK';
    return statusOf(proposal, rolloutId, outcome, stages, reason);
  }

  /** Of a stage that this rollout has reached: made where it is missing, unless this process only looks. */
  async #correctionOf(
    index: number,
    rolloutId: string,
    base: DeploymentRecord | undefined,
    reason: string,
  ): Promise<DeploymentRecord | undefined> {
    const { deployment } = await this.#groups.latest(index);
    if (deployment === undefined || markOf(deployment, 'rollout') !== rolloutId) return undefined;
    if (markOf(deployment, 'purpose') === 'rollback') return deployment;
    return this.#context.readOnly ? undefined : this.#correctStage(index, rolloutId, base, reason);
  }

  async #status(index: number, correction: DeploymentRecord | undefined): Promise<StageStatus> {
    const { cloud, proposal } = this.#context;
    if (correction === undefined) return stageStatus(proposal, index, 'PENDING');
    const isOpen = await this.#groups.isOpen(correction);
    const counts = await cloud.jobCounts(correction.jobId);
    const state = isOpen ? 'ROLLING_BACK' : 'ROLLED_BACK';
    return stageStatus(proposal, index, state, { deployment: correction, counts });
  }

  async #correctStage(
    index: number,
    rolloutId: string,
    base: DeploymentRecord | undefined,
    reason: string,
  ): Promise<DeploymentRecord> {
    const { arn: targetArn } = await this.#groups.latest(index);
    const components = base?.components ?? {};
    const wanted = { purpose: 'rollback', rolloutId, base, components, stage: index, reason } as const;
    return createDeployment(this.#context, { ...wanted, targetArn });
  }
}

/** What is there now of others, and of ours what was there before. */
function earlierSet(plan: RolloutPlan, current: ComponentSet, earlier: ComponentSet): ComponentSet {
  const others = Object.entries(current).filter(([name]) => !isOurs(plan, name));
  const ours = Object.entries(earlier).filter(([name]) => isOurs(plan, name));
  return Object.fromEntries([...others, ...ours].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A deployment of others that came while devices stood in stage groups has not reached those: not the end yet. */
export async function isStill(
  { cloud }: RolloutContext,
  latest: DeploymentRecord | undefined,
): Promise<boolean> {
  if (latest === undefined) return true;
  const [now] = await cloud.deployments(latest.targetArn, 5);
  return now?.id === latest.id;
}
