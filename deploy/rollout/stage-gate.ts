import type { DeploymentRecord } from '../cloud/fleet/mod.js';
import { stageAt, type RolloutContext } from './context.js';
import { judgeStage, type GateVerdict, type StageHealth } from './gate.js';
import { stageHealth } from './health.js';
import { markOf, MARKS } from './marks.js';
import { stageStatus, type StageStatus } from './status.js';

export interface StageVerdict {
  readonly status: StageStatus;
  readonly verdict: GateVerdict;
}

/** Judges stages by what their jobs and their devices' heartbeats say now. */
export class StageGate {
  readonly #context: RolloutContext;

  constructor(context: RolloutContext) {
    this.#context = context;
  }

  async judge(index: number, group: string, deployment: DeploymentRecord): Promise<StageVerdict> {
    const { cloud, clock, proposal } = this.#context;
    const { plan, stages } = proposal;
    const stage = stageAt(plan, index);
    const isLast = index === plan.stages.length - 1;
    const devices = (isLast ? stages.flat() : (stages[index] ?? [])).length;
    const nowMs = clock.wallMs();
    const { health, counts } = await stageHealth(cloud, plan, group, deployment, devices, nowMs);
    const sinceMs = healthySinceMs(deployment);
    const healthySeconds = sinceMs === undefined ? undefined : Math.max(0, nowMs - sinceMs) / 1000;
    const rules = { ...plan.gate, soakSeconds: stage.soakSeconds ?? plan.gate.soakSeconds };
    const judged = judgeStage({ ...health, healthySeconds }, rules);
    await this.#remember(deployment, judged, rules.soakSeconds);
    const verdict = ordered(judged, deployment, { ...health, healthySeconds });
    const needsPerson =
      verdict.verdict === 'healthy' &&
      stage.next === 'manual' &&
      !isLast &&
      markOf(deployment, 'order') !== 'continue';
    const said: GateVerdict = needsPerson
      ? { verdict: 'waiting', reason: 'healthy: waits for deploy continue' }
      : verdict;
    const detail = detailOf(said, rules.soakSeconds, sinceMs);
    const state = needsPerson ? 'WAITING' : stateOf(said);
    return { verdict: said, status: stageStatus(proposal, index, state, { deployment, counts, detail }) };
  }

  /** Since when the stage is healthy, said in AWS: whoever looks next, in whichever process, goes on soaking. */
  async #remember(
    deployment: DeploymentRecord,
    { verdict }: GateVerdict,
    soakSeconds: number,
  ): Promise<void> {
    const { cloud, clock, readOnly } = this.#context;
    if (readOnly || soakSeconds === 0 || verdict === 'stop') return;
    const isKnown = healthySinceMs(deployment) !== undefined;
    if (isKnown === (verdict !== 'waiting')) return;
    const since = isKnown ? NOT_HEALTHY : new Date(clock.wallMs()).toISOString();
    await cloud.tagDeployment(deployment.id, { [MARKS.healthySince]: since });
  }
}

/** A tag can be written over without a further permission, but not taken away. */
const NOT_HEALTHY = 'no';

function healthySinceMs(deployment: DeploymentRecord): number | undefined {
  const sinceMs = Date.parse(markOf(deployment, 'healthySince') ?? '');
  return Number.isNaN(sinceMs) ? undefined : sinceMs;
}

function detailOf(said: GateVerdict, soakSeconds: number, sinceMs: number | undefined): string {
  if (said.verdict === 'healthy') return '';
  if (said.verdict !== 'soaking') return said.reason;
  if (sinceMs === undefined) return `healthy, soaks for ${soakSeconds} s from the next look of deploy apply`;
  return `healthy, soaks for ${Math.ceil(said.remainingSeconds)} s more of ${soakSeconds} s`;
}

/** What AWS or a person decided comes before the gate's own rules. */
function ordered(judged: GateVerdict, deployment: DeploymentRecord, health: StageHealth): GateVerdict {
  if (markOf(deployment, 'order') === 'canceled') return { verdict: 'stop', reason: 'it was canceled' };
  if (deployment.state !== 'CANCELED' && deployment.state !== 'FAILED') return judged;
  const { failed, devices } = health;
  return {
    verdict: 'stop',
    reason: `${failed} of ${devices} devices failed, which met the abort criteria`,
  };
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
