import { EdgeError, type Clock } from '../../src/core/mod.js';
import type { DeploymentRecord, FleetCloud, JobCounts } from '../cloud/fleet-mod.js';
import {
  applyChanges,
  diffComponents,
  isOwnComponent,
  mergeComponents,
  type ComponentSet,
} from './components.js';
import { judgeStage, type GateVerdict } from './gate.js';
import { stageHealth } from './health.js';
import { latestOf, markOf, MARKS, stageGroup, tagText, type Purpose } from './marks.js';
import { digest, type RolloutPlan } from './plan.js';
import { nextSet, type RolloutProposal } from './proposal.js';

export type RolloutOutcome =
  'RUNNING' | 'WAITING' | 'SUCCEEDED' | 'ROLLING_BACK' | 'ROLLED_BACK' | 'STOPPED' | 'CANCELED';

export interface StageStatus {
  readonly name: string;
  readonly devices: number;
  readonly state: 'PENDING' | 'RUNNING' | 'SOAKING' | 'WAITING' | 'HEALTHY' | 'STOPPED';
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

interface Gate {
  readonly status: StageStatus;
  readonly verdict: GateVerdict;
}

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
  readonly #cloud: FleetCloud;
  readonly #clock: Clock;
  readonly #proposal: RolloutProposal;
  readonly #joined = new Map<string, Set<string>>();
  readonly #healthySince = new Map<string, number>();
  readonly #readOnly: boolean;

  constructor(
    cloud: FleetCloud,
    clock: Clock,
    proposal: RolloutProposal,
    options: { readonly readOnly?: boolean } = {},
  ) {
    this.#cloud = cloud;
    this.#clock = clock;
    this.#proposal = proposal;
    this.#readOnly = options.readOnly ?? false;
  }

  /** One look and what follows from it. */
  async tick(): Promise<RolloutStatus> {
    const { plan, planId, targetArn } = this.#proposal;
    const latest = await latestOf(this.#cloud, targetArn);
    if (latest !== undefined && markOf(latest, 'plan') === planId && markOf(latest, 'purpose') !== 'base') {
      return this.#tickFinal(latest);
    }
    const base = latest ?? (await this.#ensureBase());
    const rolloutId = digest(planId, base?.id ?? 'none');
    const stages: StageStatus[] = [];
    for (let index = 0; index < plan.stages.length - 1; index++) {
      const deployment = await this.#stageDeployment(index, rolloutId, base);
      if (deployment === undefined) return this.#status(rolloutId, 'RUNNING', stages);
      if (markOf(deployment, 'purpose') === 'rollback') return this.#rollingBack(rolloutId, base, stages);
      const gate = await this.#gate(index, stageGroup(plan.fleet, index), deployment);
      stages.push(gate.status);
      if (gate.verdict.verdict === 'stop')
        return this.#stop(rolloutId, base, index, deployment, gate.verdict.reason, stages);
      if (gate.verdict.verdict !== 'healthy')
        return this.#status(rolloutId, gate.status.state === 'WAITING' ? 'WAITING' : 'RUNNING', stages);
    }
    if (this.#readOnly) return this.#status(rolloutId, 'RUNNING', stages);
    const final = await this.#createFinal(base, rolloutId);
    return this.#tickFinal(final);
  }

  /** A subdeployment needs a parent; the first rollout of a fleet makes an empty one. */
  async #ensureBase(): Promise<DeploymentRecord | undefined> {
    if (this.#readOnly || this.#proposal.plan.stages.length === 1) return undefined;
    return this.#create({
      purpose: 'base',
      rolloutId: digest(this.#proposal.planId, 'none'),
      base: undefined,
      components: {},
    });
  }

  async #stageDeployment(
    index: number,
    rolloutId: string,
    base: DeploymentRecord | undefined,
  ): Promise<DeploymentRecord | undefined> {
    const { plan } = this.#proposal;
    const group = stageGroup(plan.fleet, index);
    const arn = await this.#groupArn(group);
    if (arn === undefined) return undefined;
    const wanted = this.#proposal.stages[index] ?? [];
    let deployment = await latestOf(this.#cloud, arn);
    if (markOf(deployment, 'rollout') !== rolloutId) {
      if (this.#readOnly) return undefined;
      this.#joined.delete(group);
      for (const thing of await this.#cloud.thingsIn(group)) await this.#cloud.leave(group, thing);
      const stage = this.#stage(index);
      deployment = await this.#create({
        purpose: 'stage',
        rolloutId,
        base,
        components: nextSet(base?.components ?? {}, plan, stage),
        stage: index,
        targetArn: arn,
      });
    }
    if (markOf(deployment, 'purpose') === 'stage' && !this.#readOnly) await this.#joinAll(group, wanted);
    return deployment;
  }

  async #groupArn(group: string): Promise<string | undefined> {
    const arn = await this.#cloud.groupArn(group);
    if (arn !== undefined || this.#readOnly) return arn;
    return this.#cloud.createGroup(group, `A rollout stage of ${this.#proposal.plan.fleet}`, {});
  }

  async #joinAll(group: string, wanted: readonly string[]): Promise<void> {
    const joined = this.#joined.get(group) ?? new Set(await this.#cloud.thingsIn(group));
    this.#joined.set(group, joined);
    for (const thing of wanted) {
      if (joined.has(thing)) continue;
      await this.#cloud.join(group, thing);
      joined.add(thing);
    }
  }

  async #gate(index: number, group: string, deployment: DeploymentRecord): Promise<Gate> {
    const { plan, stages } = this.#proposal;
    const stage = this.#stage(index);
    const isLast = index === plan.stages.length - 1;
    const devices = isLast
      ? stages.reduce((sum, names) => sum + names.length, 0)
      : (stages[index]?.length ?? 0);
    const nowMs = this.#clock.wallMs();
    const { health, counts } = await stageHealth(this.#cloud, plan, group, deployment, devices, nowMs);
    const rules = { ...plan.gate, soakSeconds: stage.soakSeconds ?? plan.gate.soakSeconds };
    const since = this.#healthySince.get(deployment.id);
    let verdict = judgeStage(
      { ...health, healthySeconds: since === undefined ? undefined : (nowMs - since) / 1000 },
      rules,
    );
    // How long it has been healthy is known to this process only: a start over soaks again, which is safe.
    if (verdict.verdict === 'waiting') this.#healthySince.delete(deployment.id);
    else if (since === undefined) this.#healthySince.set(deployment.id, nowMs);
    if (deployment.state === 'CANCELED' || deployment.state === 'FAILED') {
      verdict = {
        verdict: 'stop',
        reason: `${health.failed} of ${devices} devices failed, which met the abort criteria`,
      };
    }
    if (markOf(deployment, 'order') === 'canceled') verdict = { verdict: 'stop', reason: 'it was canceled' };
    const needsPerson =
      verdict.verdict === 'healthy' &&
      stage.next === 'manual' &&
      !isLast &&
      markOf(deployment, 'order') !== 'continue';
    if (needsPerson) verdict = { verdict: 'waiting', reason: 'healthy: waits for deploy continue' };
    const state = needsPerson ? 'WAITING' : stateOf(verdict);
    const detail = verdict.verdict === 'waiting' || verdict.verdict === 'stop' ? verdict.reason : '';
    return {
      verdict,
      status: {
        name: stage.name,
        devices,
        state,
        counts,
        detail,
        deploymentId: deployment.id,
        jobId: deployment.jobId,
      },
    };
  }

  async #createFinal(base: DeploymentRecord | undefined, rolloutId: string): Promise<DeploymentRecord> {
    const { plan } = this.#proposal;
    const last = plan.stages.length - 1;
    return this.#create({
      purpose: 'final',
      rolloutId,
      base,
      components: nextSet(base?.components ?? {}, plan, this.#stage(last)),
      stage: last,
    });
  }

  async #tickFinal(latest: DeploymentRecord): Promise<RolloutStatus> {
    const { plan } = this.#proposal;
    const rolloutId = markOf(latest, 'rollout') ?? '';
    const repaired = await this.#repairRace(latest);
    if (repaired !== undefined) return this.#status(rolloutId, 'RUNNING', []);
    const base = await this.#baseRecord(latest);
    if (markOf(latest, 'purpose') === 'rollback') return this.#rollingBack(rolloutId, base, []);
    const index = plan.stages.length - 1;
    const gate = await this.#gate(index, plan.fleet, latest);
    const before = plan.stages
      .slice(0, -1)
      .map((stage, at) => doneStage(stage.name, this.#proposal.stages[at]?.length ?? 0));
    const stages = [...before, gate.status];
    if (gate.verdict.verdict === 'stop')
      return this.#stop(rolloutId, base, index, latest, gate.verdict.reason, stages);
    if (gate.verdict.verdict !== 'healthy') return this.#status(rolloutId, 'RUNNING', stages);
    if (!(await this.#alignStages(latest, rolloutId, base)))
      return this.#status(rolloutId, 'RUNNING', stages);
    await this.#emptyStages();
    return this.#status(rolloutId, (await this.#isStill(latest)) ? 'SUCCEEDED' : 'RUNNING', stages);
  }

  /**
   * Greengrass has no conditional create: somebody's deployment may have come between our look and ours, and
   * ours has replaced it. The revisions before ours tell; then what they changed is put on top of ours.
   */
  async #repairRace(latest: DeploymentRecord): Promise<DeploymentRecord | undefined> {
    if (this.#readOnly || markOf(latest, 'purpose') === 'base') return undefined;
    const history = await this.#cloud.deployments(latest.targetArn, 50);
    const known = markOf(latest, 'merged') ?? markOf(latest, 'base');
    const knownRevision = history.find((one) => one.id === known)?.revision ?? 0;
    const between = history
      .filter((one) => one.revision < latest.revision && one.revision > knownRevision)
      .reverse();
    if (between.length === 0) return undefined;
    let components = latest.components;
    for (const one of between) {
      const before = history.find((other) => other.revision === one.revision - 1);
      const from = before === undefined ? {} : (await this.#cloud.deployment(before.id)).components;
      const to = (await this.#cloud.deployment(one.id)).components;
      const theirs = diffComponents(from, to).filter((change) => !this.#isOurs(change.name));
      components = applyChanges(components, theirs);
    }
    return this.#create({
      purpose: markOf(latest, 'purpose') === 'rollback' ? 'rollback' : 'final',
      rolloutId: markOf(latest, 'rollout') ?? '',
      base: await this.#baseRecord(latest),
      merged: latest,
      components,
      reason: markOf(latest, 'reason') ?? '',
    });
  }

  async #baseRecord(latest: DeploymentRecord): Promise<DeploymentRecord | undefined> {
    const id = markOf(latest, 'base');
    return id === undefined || id === 'none' ? undefined : this.#cloud.deployment(id);
  }

  /** Failure handling, per stage: back to the set before, or stand still. */
  async #stop(
    rolloutId: string,
    base: DeploymentRecord | undefined,
    index: number,
    deployment: DeploymentRecord,
    reason: string,
    stages: readonly StageStatus[],
  ): Promise<RolloutStatus> {
    if (this.#readOnly) return this.#status(rolloutId, 'ROLLING_BACK', stages, reason);
    const canceled = markOf(deployment, 'order') === 'canceled';
    const hasEarlier = Object.keys(base?.components ?? {}).some((name) => this.#isOurs(name));
    if (canceled || this.#stage(index).failureHandling === 'DO_NOTHING' || !hasEarlier) {
      if (deployment.state === 'ACTIVE') await this.#cloud.cancelDeployment(deployment.id);
      const why = canceled || hasEarlier ? reason : `${reason}; there is no earlier set to go back to`;
      return this.#status(rolloutId, canceled ? 'CANCELED' : 'STOPPED', stages, why);
    }
    // The last stage first corrects the whole fleet: its mark makes every later tick take this way.
    if (index === this.#proposal.plan.stages.length - 1) {
      await this.#create({
        purpose: 'rollback',
        rolloutId,
        base,
        merged: deployment,
        components: this.#earlierSet(deployment.components, base),
        reason,
      });
    } else {
      await this.#correctStage(index, rolloutId, base, reason);
    }
    return this.#rollingBack(rolloutId, base, stages, reason);
  }

  async #rollingBack(
    rolloutId: string,
    base: DeploymentRecord | undefined,
    stages: readonly StageStatus[],
    known = '',
  ): Promise<RolloutStatus> {
    const { plan, targetArn } = this.#proposal;
    const latest = await latestOf(this.#cloud, targetArn);
    const open: DeploymentRecord[] = [];
    let reason = known;
    if (latest !== undefined && markOf(latest, 'purpose') === 'rollback') {
      open.push(latest);
      reason ||= markOf(latest, 'reason') ?? '';
    }
    for (let index = 0; index < plan.stages.length - 1; index++) {
      const arn = await this.#cloud.groupArn(stageGroup(plan.fleet, index));
      const deployment = arn === undefined ? undefined : await latestOf(this.#cloud, arn);
      if (deployment === undefined || markOf(deployment, 'rollout') !== rolloutId) continue;
      if (markOf(deployment, 'purpose') === 'rollback') {
        open.push(deployment);
        reason ||= markOf(deployment, 'reason') ?? '';
      } else if (!this.#readOnly) open.push(await this.#correctStage(index, rolloutId, base, reason));
    }
    for (const deployment of open) {
      const counts = await this.#cloud.jobCounts(deployment.jobId);
      const ageSeconds = (this.#clock.wallMs() - deployment.createdAtMs) / 1000;
      const isOpen = counts.queued + counts.inProgress > 0 || deployment.state === 'ACTIVE';
      if (isOpen && ageSeconds < plan.gate.timeoutSeconds)
        return this.#status(rolloutId, 'ROLLING_BACK', stages, reason);
    }
    await this.#emptyStages();
    return this.#status(
      rolloutId,
      (await this.#isStill(latest)) ? 'ROLLED_BACK' : 'ROLLING_BACK',
      stages,
      reason,
    );
  }

  /**
   * Devices in a stage group heed the group's set, not the fleet's. Where the two differ (a stage's own
   * configuration, a change of others that came late), they get the fleet's set before they leave the group.
   */
  async #alignStages(
    latest: DeploymentRecord,
    rolloutId: string,
    base: DeploymentRecord | undefined,
  ): Promise<boolean> {
    if (this.#readOnly) return true;
    let isAligned = true;
    for (let index = 0; index < this.#proposal.plan.stages.length - 1; index++) {
      const group = stageGroup(this.#proposal.plan.fleet, index);
      const targetArn = await this.#cloud.groupArn(group);
      if (targetArn === undefined || (await this.#cloud.thingsIn(group)).length === 0) continue;
      const now = await latestOf(this.#cloud, targetArn);
      if (now === undefined || diffComponents(now.components, latest.components).length > 0) {
        const { components } = latest;
        await this.#create({
          purpose: 'stage',
          rolloutId,
          base,
          components,
          stage: index,
          targetArn,
          merged: latest,
        });
        isAligned = false;
      } else {
        const counts = await this.#cloud.jobCounts(now.jobId);
        // An offline device must not hold the rollout for ever: it stays in the group, where the set waits for it.
        const ageSeconds = (this.#clock.wallMs() - now.createdAtMs) / 1000;
        const isOpen = counts.queued + counts.inProgress > 0;
        if (isOpen && ageSeconds < this.#proposal.plan.gate.timeoutSeconds) isAligned = false;
      }
    }
    return isAligned;
  }

  async #correctStage(
    index: number,
    rolloutId: string,
    base: DeploymentRecord | undefined,
    reason: string,
  ): Promise<DeploymentRecord> {
    const arn = await this.#cloud.groupArn(stageGroup(this.#proposal.plan.fleet, index));
    return this.#create({
      purpose: 'rollback',
      rolloutId,
      base,
      components: base?.components ?? {},
      stage: index,
      reason,
      ...(arn === undefined ? {} : { targetArn: arn }),
    });
  }

  /** What is there now of others, and of ours what was there before. */
  #earlierSet(current: ComponentSet, base: DeploymentRecord | undefined): ComponentSet {
    const earlier = base?.components ?? {};
    const ours = Object.fromEntries(Object.entries(earlier).filter(([name]) => this.#isOurs(name)));
    const added = Object.keys(current).filter((name) => this.#isOurs(name) && earlier[name] === undefined);
    return without({ ...mergeComponents(current, {}, []), ...ours }, added);
  }

  /** A deployment of others that came while devices stood in stage groups has not reached those: not the end yet. */
  async #isStill(latest: DeploymentRecord | undefined): Promise<boolean> {
    if (latest === undefined) return true;
    const [now] = await this.#cloud.deployments(latest.targetArn, 5);
    return now?.id === latest.id;
  }

  /** Devices go back under the fleet's own deployment; those that still owe an answer stay until the next rollout. */
  async #emptyStages(): Promise<void> {
    if (this.#readOnly) return;
    const { plan } = this.#proposal;
    for (let index = 0; index < plan.stages.length - 1; index++) {
      const group = stageGroup(plan.fleet, index);
      const arn = await this.#cloud.groupArn(group);
      const things = arn === undefined ? [] : await this.#cloud.thingsIn(group);
      if (arn === undefined || things.length === 0) continue;
      const deployment = await latestOf(this.#cloud, arn);
      const open = new Set(deployment === undefined ? [] : await this.#cloud.openThings(deployment.jobId));
      for (const thing of things) if (!open.has(thing)) await this.#cloud.leave(group, thing);
    }
  }

  async #create(request: {
    readonly purpose: Purpose;
    readonly rolloutId: string;
    readonly base: DeploymentRecord | undefined;
    readonly components: ComponentSet;
    readonly merged?: DeploymentRecord;
    readonly stage?: number;
    readonly targetArn?: string;
    readonly reason?: string;
  }): Promise<DeploymentRecord> {
    const { plan, planId, targetArn } = this.#proposal;
    const { purpose, rolloutId, base, merged, stage } = request;
    const name = `${plan.fleet} ${purpose}${stage === undefined ? '' : ` ${this.#stage(stage).name}`} ${rolloutId.slice(0, 8)}`;
    const id = await this.#cloud.createDeployment({
      targetArn: request.targetArn ?? targetArn,
      ...(request.targetArn === undefined ? {} : { parentTargetArn: targetArn }),
      name,
      components: request.components,
      limits: {
        maximumPerMinute: plan.ratePerMinute,
        abort: plan.abort,
        timeoutMinutes: plan.timeoutMinutes,
      },
      rollbackOnFailure:
        purpose !== 'rollback' &&
        (stage === undefined || this.#stage(stage).failureHandling === 'ROLLBACK_ON_FAILURE'),
      tags: {
        [MARKS.rollout]: rolloutId,
        [MARKS.plan]: planId,
        [MARKS.purpose]: purpose,
        [MARKS.base]: base?.id ?? 'none',
        ...(merged === undefined ? {} : { [MARKS.merged]: merged.id }),
        ...(request.reason === undefined || request.reason === ''
          ? {}
          : { [MARKS.reason]: tagText(request.reason) }),
      },
      clientToken: digest(rolloutId, purpose, stage ?? 'fleet', merged?.id ?? 'none'),
    });
    return this.#cloud.deployment(id);
  }

  #isOurs(name: string): boolean {
    const { plan } = this.#proposal;
    return isOwnComponent(name, [...(plan.owns ?? []), ...Object.keys(plan.components)]);
  }

  #stage(index: number): RolloutPlan['stages'][number] {
    const stage = this.#proposal.plan.stages[index];
    if (stage === undefined) throw new EdgeError('INTERNAL', `Cannot find the stage ${index} of the plan`);
    return stage;
  }

  #status(
    rolloutId: string,
    outcome: RolloutOutcome,
    done: readonly StageStatus[],
    reason = '',
  ): RolloutStatus {
    const { plan, stages } = this.#proposal;
    const rest = plan.stages.slice(done.length).map((stage, offset): StageStatus => ({
      ...doneStage(stage.name, stages[done.length + offset]?.length ?? 0),
      state: 'PENDING',
    }));
    return { rolloutId, outcome, stages: [...done, ...rest], reason };
  }
}

function stateOf(verdict: GateVerdict): StageStatus['state'] {
  switch (verdict.verdict) {
    case 'healthy':
      return 'HEALTHY';
    case 'soaking':
      return 'SOAKING';
    case 'waiting':
      return 'RUNNING';
    case 'stop':
      return 'STOPPED';
  }
}

function doneStage(name: string, devices: number): StageStatus {
  return {
    name,
    devices,
    state: 'HEALTHY',
    counts: undefined,
    detail: '',
    deploymentId: undefined,
    jobId: undefined,
  };
}

function without(set: ComponentSet, names: readonly string[]): ComponentSet {
  return Object.fromEntries(Object.entries(set).filter(([name]) => !names.includes(name)));
}
