import type { Clock } from '../../src/core/mod.js';
import type { DeploymentRecord } from '../cloud/fleet/mod.js';
import { stageAt, type RolloutContext, type RolloutCloud } from './context.js';
import { Correction, isStill } from './correction.js';
import { createDeployment } from './create.js';
import { latestOf, markOf } from './marks.js';
import { digest } from './rollout-plan.js';
import { nextSet, type RolloutProposal } from './proposal.js';
import { repairRace } from './race.js';
import { StageGate } from './stage-gate.js';
import { StageGroups } from './stage-groups.js';
import { stageStatus, statusOf, type RolloutStatus, type StageStatus } from './status.js';

/**
 * Drives one rollout. It holds no state that counts: each `tick` reads what AWS has and does what is missing, in
 * an order that makes a kill between any two calls harmless:
 *
 * - a stage's deployment is made while its group is empty, then its devices join: none gets an older one first;
 * - every deployment is made under a client token of plan, base and purpose: asked for twice, it is made once;
 * - a change of the fleet's deployment by others gives another base, hence another rollout id: stages start over;
 * - corrective deployments come before the stage groups are emptied.
 */
export class RolloutRun {
  readonly #context: RolloutContext;
  readonly #groups: StageGroups;
  readonly #gate: StageGate;
  readonly #correction: Correction;
  /** The fleet's deployment that is known to have lost nothing: deployments never change. */
  #whole: string | undefined;

  constructor(
    cloud: RolloutCloud,
    clock: Clock,
    proposal: RolloutProposal,
    options: { readonly readOnly?: boolean } = {},
  ) {
    this.#context = { cloud, clock, proposal, readOnly: options.readOnly ?? false };
    this.#groups = new StageGroups(this.#context);
    this.#gate = new StageGate(this.#context);
    this.#correction = new Correction(this.#context, this.#groups);
  }

  /** One look and what follows from it. */
  async tick(): Promise<RolloutStatus> {
    const { cloud, proposal } = this.#context;
    const latest = await this.#repaired(await latestOf(cloud, proposal.targetArn));
    const isReached = markOf(latest, 'plan') === proposal.planId && markOf(latest, 'purpose') !== 'base';
    if (latest !== undefined && isReached) return this.#tickFinal(latest);
    const base = latest ?? (await this.#ensureBase());
    return this.#tickStages(base, digest(proposal.planId, base?.id ?? 'none'));
  }

  async #repaired(latest: DeploymentRecord | undefined): Promise<DeploymentRecord | undefined> {
    if (latest === undefined || this.#context.readOnly || this.#whole === latest.id) return latest;
    const repaired = await repairRace(this.#context, latest);
    if (repaired === undefined) this.#whole = latest.id;
    // The repair is a deployment like others, which may have come too late in its turn.
    return repaired === undefined ? latest : this.#repaired(repaired);
  }

  /** A subdeployment needs a parent; the first rollout of a fleet makes an empty one. */
  async #ensureBase(): Promise<DeploymentRecord | undefined> {
    const { proposal, readOnly } = this.#context;
    if (readOnly || proposal.plan.stages.length === 1) return undefined;
    const rolloutId = digest(proposal.planId, 'none');
    const made = { purpose: 'base', rolloutId, base: undefined, components: {} } as const;
    return this.#repaired(await createDeployment(this.#context, made));
  }

  async #tickStages(base: DeploymentRecord | undefined, rolloutId: string): Promise<RolloutStatus> {
    const { proposal, readOnly } = this.#context;
    const seen: StageStatus[] = [];
    for (const index of this.#groups.indexes) {
      const deployment = await this.#groups.deployment(index, rolloutId, base);
      if (deployment === undefined) return statusOf(proposal, rolloutId, 'RUNNING', seen);
      if (markOf(deployment, 'purpose') === 'rollback') return this.#correction.rollBack(rolloutId, base);
      const { verdict, status } = await this.#gate.judge(index, this.#groups.name(index), deployment);
      seen.push(status);
      if (verdict.verdict === 'stop') {
        const { reason } = verdict;
        return this.#correction.stop({ rolloutId, base, index, deployment, reason, seen });
      }
      if (verdict.verdict !== 'healthy') {
        const outcome = status.state === 'WAITING' ? 'WAITING' : 'RUNNING';
        return statusOf(proposal, rolloutId, outcome, seen);
      }
    }
    if (readOnly) return statusOf(proposal, rolloutId, 'RUNNING', seen);
    return this.#tickFinal(await this.#createFinal(base, rolloutId));
  }

  async #createFinal(base: DeploymentRecord | undefined, rolloutId: string): Promise<DeploymentRecord> {
    const { plan } = this.#context.proposal;
    const stage = plan.stages.length - 1;
    const components = nextSet(base?.components ?? {}, plan, stageAt(plan, stage));
    const made = await createDeployment(this.#context, {
      purpose: 'final',
      rolloutId,
      base,
      components,
      stage,
    });
    return (await this.#repaired(made)) ?? made;
  }

  async #tickFinal(latest: DeploymentRecord): Promise<RolloutStatus> {
    const { cloud, proposal } = this.#context;
    const rolloutId = markOf(latest, 'rollout') ?? '';
    const baseId = markOf(latest, 'base');
    const base = baseId === undefined || baseId === 'none' ? undefined : await cloud.deployment(baseId);
    if (markOf(latest, 'purpose') === 'rollback') return this.#correction.rollBack(rolloutId, base);
    const index = proposal.plan.stages.length - 1;
    const before = this.#groups.indexes.map((stage) => stageStatus(proposal, stage, 'HEALTHY'));
    const { verdict, status } = await this.#gate.judge(index, proposal.plan.fleet, latest);
    const seen = [...before, status];
    if (verdict.verdict === 'stop') {
      const { reason } = verdict;
      return this.#correction.stop({ rolloutId, base, index, deployment: latest, reason, seen });
    }
    if (verdict.verdict !== 'healthy') return statusOf(proposal, rolloutId, 'RUNNING', seen);
    if (!(await this.#groups.align(latest, { purpose: 'stage', rolloutId, base })))
      return statusOf(proposal, rolloutId, 'RUNNING', seen);
    await this.#groups.empty();
    const outcome = (await isStill(this.#context, latest)) ? 'SUCCEEDED' : 'RUNNING';
    return statusOf(proposal, rolloutId, outcome, seen);
  }
}
