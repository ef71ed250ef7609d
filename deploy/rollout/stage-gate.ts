import type { DeploymentRecord } from '../cloud/fleet/mod.js';
import { stageAt, type RolloutContext } from './context.js';
import { judgeStage, type GateVerdict, type StageHealth } from './gate.js';
import { stageHealth } from './health.js';
import { markOf } from './marks.js';
import { stageStatus, type StageStatus } from './status.js';

export interface StageVerdict {
  readonly status: StageStatus;
  readonly verdict: GateVerdict;
}

/** Judges stages by what their jobs and their devices' heartbeats say now. */
export class StageGate {
  readonly #context: RolloutContext;
  /** By deployment. Known to this process only: one that starts over soaks again, which is safe. */
  readonly #healthySinceMs = new Map<string, number>();

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
    const sinceMs = this.#healthySinceMs.get(deployment.id);
    const healthySeconds = sinceMs === undefined ? undefined : (nowMs - sinceMs) / 1000;
    const rules = { ...plan.gate, soakSeconds: stage.soakSeconds ?? plan.gate.soakSeconds };
    const judged = judgeStage({ ...health, healthySeconds }, rules);
    if (judged.verdict === 'waiting') this.#healthySinceMs.delete(deployment.id);
    else if (sinceMs === undefined) this.#healthySinceMs.set(deployment.id, nowMs);
    const verdict = ordered(judged, deployment, { ...health, healthySeconds });
    const needsPerson =
      verdict.verdict === 'healthy' &&
      stage.next === 'manual' &&
      !isLast &&
      markOf(deployment, 'order') !== 'continue';
    const said: GateVerdict = needsPerson
      ? { verdict: 'waiting', reason: 'healthy: waits for deploy continue' }
      : verdict;
    const detail = said.verdict === 'waiting' || said.verdict === 'stop' ? said.reason : '';
    const state = needsPerson ? 'WAITING' : stateOf(said);
    return { verdict: said, status: stageStatus(proposal, index, state, { deployment, counts, detail }) };
  }
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
