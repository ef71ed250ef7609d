import { EdgeError } from '../../src/core/mod.js';
import type {
  DeploymentRecord,
  Deployments,
  FleetIndex,
  Platforms,
  ThingGroups,
} from '../cloud/fleet/mod.js';
import {
  diffComponents,
  foreignChanges,
  mergeComponents,
  type ComponentChange,
  type ComponentSet,
} from './components.js';
import { askedTogether } from './asked-components.js';
import { checkRollout } from './checks.js';
import { latestOf, markOf } from './marks.js';
import { checkPlan, planId, selectionOf, wantedIn, type RolloutPlan } from './rollout-plan.js';
import { assignStages } from './stages.js';

/** What an apply would do, for a person to read first. */
export interface RolloutProposal {
  readonly plan: RolloutPlan;
  readonly planId: string;
  readonly targetArn: string;
  /** Undefined: the fleet has no deployment yet. */
  readonly base: DeploymentRecord | undefined;
  readonly changes: readonly ComponentChange[];
  readonly kept: readonly string[];
  /** Device names, by stage. */
  readonly stages: readonly (readonly string[])[];
  readonly warnings: readonly string[];
}

export interface ProposeOptions {
  /** A look at a rollout that has begun: what would keep it from starting is not asked again. */
  readonly isCheckedBefore?: boolean;
}

/** Reads the fleet and decides, creating nothing. Throws where the rollout must not start. */
export async function proposeRollout(
  cloud: ThingGroups & Deployments & Platforms & FleetIndex,
  value: unknown,
  options: ProposeOptions = {},
): Promise<RolloutProposal> {
  const plan = checkPlan(value);
  const { targetArn, things } = await readTarget(cloud, plan);
  const latest = await latestOf(cloud, targetArn);
  const base = await baseOf(cloud, latest, planId(plan));
  const warnings = options.isCheckedBefore === true ? [] : await checkRollout(cloud, plan, targetArn);
  const { changes, kept } = compare(base?.components ?? {}, plan);
  return {
    plan,
    planId: planId(plan),
    targetArn,
    base,
    changes,
    kept,
    stages: assignStages(plan.fleet, things, plan.stages.map(selectionOf)),
    warnings: [...pinWarnings(base?.components ?? {}), ...askedTogether(changes), ...warnings],
  };
}

async function readTarget(
  cloud: ThingGroups,
  plan: RolloutPlan,
): Promise<{ readonly targetArn: string; readonly things: readonly string[] }> {
  const targetArn = await cloud.groupArn(plan.fleet);
  if (targetArn === undefined) {
    throw new EdgeError(
      'FLEET_NOT_FOUND',
      `Cannot plan the rollout as the thing group ${plan.fleet} does not exist`,
      {
        field: 'fleet',
        nextStep: 'Create the thing group, or correct the fleet in the plan',
      },
    );
  }
  const things = await cloud.thingsIn(plan.fleet);
  if (things.length === 0) {
    throw new EdgeError('FLEET_EMPTY', `Cannot plan the rollout as the fleet ${plan.fleet} has no devices`, {
      nextStep: 'Put the things of its devices into the thing group',
    });
  }
  return { targetArn, things };
}

/** Of a fleet that this plan has reached already, the deployment that was there before. */
async function baseOf(
  cloud: Deployments,
  latest: DeploymentRecord | undefined,
  id: string,
): Promise<DeploymentRecord | undefined> {
  const base = markOf(latest, 'base');
  const isOurs =
    latest !== undefined && markOf(latest, 'plan') === id && markOf(latest, 'purpose') !== 'base';
  if (!isOurs || base === undefined) return latest;
  return base === 'none' ? undefined : cloud.deployment(base);
}

function compare(
  current: ComponentSet,
  plan: RolloutPlan,
): { changes: readonly ComponentChange[]; kept: readonly string[] } {
  const last = plan.stages.at(-1);
  const next = nextSet(
    current,
    plan,
    last ?? { name: '', select: { percentage: 100 }, failureHandling: 'DO_NOTHING' },
  );
  const changes = diffComponents(current, next);
  const changed = new Set(changes.map((change) => change.name));
  return { changes, kept: Object.keys(next).filter((name) => !changed.has(name)) };
}

/** The set of a stage: everything that is there, with ours put in. Throws where that would touch what is not ours. */
export function nextSet(
  current: ComponentSet,
  plan: RolloutPlan,
  stage: RolloutPlan['stages'][number],
): ComponentSet {
  const next = mergeComponents(current, wantedIn(plan, stage), plan.remove ?? []);
  const changes = diffComponents(current, next);
  // A component that the plan adds is its own from then on; one that is there must have been ours before.
  const added = changes.filter((change) => change.kind === 'add').map((change) => change.name);
  const foreign = foreignChanges(changes, [...(plan.owns ?? []), ...added]);
  if (foreign.length > 0) {
    throw new EdgeError(
      'COMPONENTS_FOREIGN',
      `Cannot plan the rollout as it would change components of others: ${foreign.join(', ')}`,
      {
        field: 'components',
        nextStep: `If they are yours, name them in the plan: owns: [${foreign.join(', ')}]`,
      },
    );
  }
  return next;
}

function pinWarnings(current: ComponentSet): readonly string[] {
  const nuclei = ['aws.greengrass.Nucleus', 'aws.greengrass.NucleusLite'];
  return nuclei.some((name) => current[name] !== undefined)
    ? []
    : ['The deployment does not pin the nucleus: a dependency may update it and restart the device'];
}
