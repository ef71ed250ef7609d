import { EdgeError } from '../../src/core/mod.js';
import type { DeploymentRecord, FleetCloud, JobLimits } from '../cloud/fleet-mod.js';
import { diffComponents, isOwnComponent, type ComponentChange, type ComponentSet } from './components.js';
import { markOf, MARKS } from './marks.js';
import { digest } from './plan.js';

export interface FleetRollback {
  readonly from: DeploymentRecord;
  readonly to: DeploymentRecord;
  readonly components: ComponentSet;
  readonly changes: readonly ComponentChange[];
}

/**
 * The way back to the fleet's last known-good set: of ours what an earlier deployment had that was not itself
 * stopped or rolled back, of others what is there now. Throws where there is no such deployment.
 */
export async function proposeRollback(
  cloud: FleetCloud,
  fleet: string,
  owns: readonly string[] = [],
): Promise<FleetRollback> {
  const arn = await cloud.groupArn(fleet);
  const history = arn === undefined ? [] : await cloud.deployments(arn, 50);
  const [newest, ...earlier] = history;
  if (newest === undefined) {
    throw new EdgeError('NOT_FOUND', `Cannot roll back as the fleet ${fleet} has no deployment`, {
      field: 'fleet',
    });
  }
  const from = await cloud.deployment(newest.id);
  const ours = (set: ComponentSet): ComponentSet =>
    Object.fromEntries(Object.entries(set).filter(([name]) => isOwnComponent(name, owns)));
  const bad = new Set<string>();
  for (const one of earlier) {
    const to = await cloud.deployment(one.id);
    // What a rollback replaced was bad; what it names as its base was good.
    if (markOf(to, 'purpose') === 'rollback') bad.add(markOf(to, 'merged') ?? '');
    const own = ours(to.components);
    const good = to.state !== 'CANCELED' && to.state !== 'FAILED' && !bad.has(to.id);
    if (!good || Object.keys(own).length === 0 || diffComponents(ours(from.components), own).length === 0)
      continue;
    const others = Object.fromEntries(
      Object.entries(from.components).filter(([name]) => !isOwnComponent(name, owns)),
    );
    const components = { ...others, ...own };
    return { from, to, components, changes: diffComponents(from.components, components) };
  }
  throw new EdgeError(
    'FAILED_PRECONDITION',
    `Cannot roll back as the fleet ${fleet} has no earlier set of another version`,
    {
      nextStep: 'Deploy the version that you want with edge-manager deploy apply',
    },
  );
}

/** Carries it out, to all devices at once within the limits. Asked for twice, it is done once. */
export async function applyRollback(
  cloud: FleetCloud,
  fleet: string,
  rollback: FleetRollback,
  limits: JobLimits,
): Promise<string> {
  return cloud.createDeployment({
    targetArn: rollback.from.targetArn,
    name: `${fleet} rollback to revision ${rollback.to.revision}`,
    components: rollback.components,
    limits,
    rollbackOnFailure: false,
    tags: {
      [MARKS.purpose]: 'rollback',
      [MARKS.base]: rollback.to.id,
      [MARKS.merged]: rollback.from.id,
      [MARKS.reason]: 'a person asked for it',
    },
    clientToken: digest('rollback', rollback.from.id, rollback.to.id),
  });
}
