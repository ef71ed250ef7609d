import type { DeploymentRecord } from '../cloud/fleet/mod.js';
import { diffComponents } from './components.js';
import { stageAt, type RolloutContext } from './context.js';
import { createDeployment, type RolloutDeployment } from './create.js';
import { latestOf, markOf, stageGroup } from './marks.js';
import { nextSet } from './proposal.js';

type Alignment = Pick<RolloutDeployment, 'purpose' | 'rolloutId' | 'base'>;

/** The thing groups of a rollout's stages, and their deployments. */
export class StageGroups {
  readonly #context: RolloutContext;
  /** Who is in a group, by its name: a group is read once, then only written. */
  readonly #joined = new Map<string, Set<string>>();

  constructor(context: RolloutContext) {
    this.#context = context;
  }

  name(index: number): string {
    return stageGroup(this.#context.proposal.plan.fleet, index);
  }

  /** Indexes of the stages that have a group: all but the last. */
  get indexes(): readonly number[] {
    return this.#context.proposal.plan.stages.slice(0, -1).map((_stage, index) => index);
  }

  /** The newest deployment of a stage's group, whoever made it and for what. */
  async latest(
    index: number,
  ): Promise<{ readonly arn: string | undefined; readonly deployment: DeploymentRecord | undefined }> {
    const arn = await this.#context.cloud.groupArn(this.name(index));
    return { arn, deployment: arn === undefined ? undefined : await latestOf(this.#context.cloud, arn) };
  }

  /** The stage's deployment in this rollout, made where it is missing; its devices in the group. */
  async deployment(
    index: number,
    rolloutId: string,
    base: DeploymentRecord | undefined,
  ): Promise<DeploymentRecord | undefined> {
    const { cloud, proposal, readOnly } = this.#context;
    const group = this.name(index);
    const found = await this.latest(index);
    let { deployment } = found;
    if (markOf(deployment, 'rollout') !== rolloutId) {
      if (readOnly) return undefined;
      const targetArn = found.arn ?? (await this.#create(group));
      this.#joined.delete(group);
      for (const thing of await cloud.thingsIn(group)) await cloud.leave(group, thing);
      const components = nextSet(base?.components ?? {}, proposal.plan, stageAt(proposal.plan, index));
      deployment = await createDeployment(this.#context, {
        purpose: 'stage',
        rolloutId,
        base,
        components,
        stage: index,
        targetArn,
      });
    }
    if (markOf(deployment, 'purpose') === 'stage' && !readOnly) {
      await this.#joinAll(group, proposal.stages[index] ?? []);
    }
    return deployment;
  }

  #create(group: string): Promise<string> {
    const { cloud, proposal } = this.#context;
    return cloud.createGroup(group, `A rollout stage of ${proposal.plan.fleet}`, {});
  }

  async #joinAll(group: string, wanted: readonly string[]): Promise<void> {
    const { cloud } = this.#context;
    const joined = this.#joined.get(group) ?? new Set(await cloud.thingsIn(group));
    this.#joined.set(group, joined);
    for (const thing of wanted) {
      if (joined.has(thing)) continue;
      await cloud.join(group, thing);
      joined.add(thing);
    }
  }

  /**
   * Devices in a stage group heed the group's set, not the fleet's. Where the two differ (a stage's own
   * configuration, a change of others that came late), they get the fleet's set before they leave the group.
   * @returns whether they have it
   */
  async align(latest: DeploymentRecord, as: Alignment): Promise<boolean> {
    if (this.#context.readOnly) return true;
    let isAligned = true;
    for (const index of this.indexes) {
      if (!(await this.#alignOne(index, latest, as))) isAligned = false;
    }
    return isAligned;
  }

  async #alignOne(index: number, latest: DeploymentRecord, as: Alignment): Promise<boolean> {
    const { cloud } = this.#context;
    const { arn: targetArn, deployment } = await this.latest(index);
    if (targetArn === undefined || (await cloud.thingsIn(this.name(index))).length === 0) return true;
    if (deployment !== undefined && diffComponents(deployment.components, latest.components).length === 0)
      return !(await this.isOpen(deployment));
    const { components } = latest;
    await createDeployment(this.#context, { ...as, components, stage: index, targetArn, merged: latest });
    return false;
  }

  /** Whether devices still owe an answer. One that is offline must not hold the rollout for ever. */
  async isOpen(deployment: DeploymentRecord): Promise<boolean> {
    const { cloud, clock, proposal } = this.#context;
    const counts = await cloud.jobCounts(deployment.jobId);
    const ageSeconds = (clock.wallMs() - deployment.createdAtMs) / 1000;
    return counts.queued + counts.inProgress > 0 && ageSeconds < proposal.plan.gate.timeoutSeconds;
  }

  /** Devices go back under the fleet's own deployment; those that still owe an answer stay until the next rollout. */
  async empty(): Promise<void> {
    const { cloud, readOnly } = this.#context;
    if (readOnly) return;
    for (const index of this.indexes) {
      const group = this.name(index);
      const { arn, deployment } = await this.latest(index);
      const things = arn === undefined ? [] : await cloud.thingsIn(group);
      if (things.length === 0) continue;
      const open = new Set(deployment === undefined ? [] : await cloud.openThings(deployment.jobId));
      for (const thing of things) if (!open.has(thing)) await cloud.leave(group, thing);
    }
  }
}
