import { EdgeError, type Clock } from '../../src/core/mod.js';
import type { Deployments, FleetIndex, Jobs, ThingGroups } from '../cloud/fleet/mod.js';
import { isOwnComponent } from './components.js';
import type { RolloutPlan, RolloutStage } from './rollout-plan.js';
import type { RolloutProposal } from './proposal.js';

/** What a rollout asks of AWS while it runs. */
export type RolloutCloud = ThingGroups & Deployments & Jobs & FleetIndex;

/** What each part of a rollout works with. */
export interface RolloutContext {
  readonly cloud: RolloutCloud;
  readonly clock: Clock;
  readonly proposal: RolloutProposal;
  /** Looks only: `deploy status`. */
  readonly readOnly: boolean;
}

export function stageAt(plan: RolloutPlan, index: number): RolloutStage {
  const stage = plan.stages[index];
  if (stage === undefined) throw new EdgeError('INTERNAL', `Cannot find the stage ${index} of the plan`);
  return stage;
}

/** Whether a rollback of this plan may put the component back. */
export function isOurs(plan: RolloutPlan, name: string): boolean {
  return isOwnComponent(name, [...(plan.owns ?? []), ...Object.keys(plan.components)]);
}

/** Whether this plan itself says what becomes of the component. */
export function isPlanned(plan: RolloutPlan, name: string): boolean {
  return plan.components[name] !== undefined || (plan.remove ?? []).includes(name);
}
