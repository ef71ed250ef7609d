import type { DeploymentRecord, JobCounts } from '../cloud/fleet/mod.js';
import type { RolloutProposal } from './proposal.js';

export type RolloutOutcome =
  'RUNNING' | 'WAITING' | 'SUCCEEDED' | 'ROLLING_BACK' | 'ROLLED_BACK' | 'STOPPED' | 'CANCELED';

export interface StageStatus {
  readonly name: string;
  readonly devices: number;
  readonly state:
    'PENDING' | 'RUNNING' | 'SOAKING' | 'WAITING' | 'HEALTHY' | 'STOPPED' | 'ROLLING_BACK' | 'ROLLED_BACK';
  /** Of the deployment that counts now: the stage's own, or the one that takes it back. */
  readonly counts: JobCounts | undefined;
  readonly detail: string;
  readonly deploymentId: string | undefined;
  readonly jobId: string | undefined;
}

export interface RolloutStatus {
  readonly rolloutId: string;
  readonly outcome: RolloutOutcome;
  readonly stages: readonly StageStatus[];
  readonly reason: string;
}

export const FINAL_OUTCOMES: ReadonlySet<RolloutOutcome> = new Set([
  'SUCCEEDED',
  'ROLLED_BACK',
  'STOPPED',
  'CANCELED',
]);

/** A stage by its index, in the state that is known of it without a look at its deployment. */
export function stageStatus(
  { plan, stages }: RolloutProposal,
  index: number,
  state: StageStatus['state'],
  known: {
    readonly deployment?: DeploymentRecord;
    readonly counts?: JobCounts;
    readonly detail?: string;
  } = {},
): StageStatus {
  const isLast = index === plan.stages.length - 1;
  const deployed = isLast && state !== 'PENDING' ? stages.flat() : (stages[index] ?? []);
  return {
    name: plan.stages[index]?.name ?? '',
    devices: deployed.length,
    state,
    counts: known.counts,
    detail: known.detail ?? '',
    deploymentId: known.deployment?.id,
    jobId: known.deployment?.jobId,
  };
}

/** The rollout as a whole; stages that `seen` does not reach are pending. */
export function statusOf(
  proposal: RolloutProposal,
  rolloutId: string,
  outcome: RolloutOutcome,
  seen: readonly StageStatus[],
  reason = '',
): RolloutStatus {
  const all = proposal.plan.stages.map((_stage, index) =>
    index < seen.length ? seen[index] : stageStatus(proposal, index, 'PENDING'),
  );
  return { rolloutId, outcome, stages: all.filter((stage) => stage !== undefined), reason };
}
