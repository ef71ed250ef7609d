import { EdgeError } from '../../src/core/mod.js';
import type { Shadows, ThingGroups, Things } from '../cloud/fleet/mod.js';
import type { Fleet } from './fleet.js';
import { FLEET_MARKS } from './marks.js';
import { inParallel } from './parallel.js';
import { fleetPolicies, type PolicyDocument } from './policies.js';
import type { FleetProposal } from './propose.js';
import { REGISTRATION_SHADOW, registrationUpdate } from './registration.js';
import type { FleetStep } from './steps.js';

export interface AppliedFleet {
  readonly fleet: string;
  readonly group: string;
  readonly groupArn: string;
  readonly done: readonly FleetStep[];
  readonly policies: readonly PolicyDocument[];
}

/**
 * Does what was proposed. Killed between any two calls, the same command again leads to the same end: every step
 * may be repeated, and a device joins the group last, when all else about it is written.
 */
export async function applyFleet(
  cloud: ThingGroups & Things & Shadows,
  proposal: FleetProposal,
): Promise<AppliedFleet> {
  const { fleet, steps } = proposal;
  let groupArn = proposal.groupArn;
  for (const step of steps) {
    if (step.kind === 'create-group') groupArn = await createGroup(cloud, fleet, step);
    else if (step.kind === 'tag-group') await cloud.tagGroup(groupArn ?? '', step.tags);
  }
  await applyToThings(cloud, fleet.group, steps);
  const arn = groupArn ?? '';
  return {
    fleet: fleet.name,
    group: fleet.group,
    groupArn: arn,
    done: steps,
    policies: fleetPolicies(fleet, arn),
  };
}

/**
 * A create whose answer was lost is sent again by the SDK and meets its own group: the mark tells it from one that
 * somebody else made since the plan.
 */
async function createGroup(
  cloud: ThingGroups,
  fleet: Fleet,
  step: Extract<FleetStep, { readonly kind: 'create-group' }>,
): Promise<string> {
  try {
    return await cloud.createGroup(fleet.group, step.description, step.tags);
  } catch (error) {
    if (!isThere(error)) throw error;
    const arn = await cloud.groupArn(fleet.group);
    const tags = arn === undefined ? {} : await cloud.groupTags(arn);
    if (arn !== undefined && tags[FLEET_MARKS.fleet] === fleet.name) return arn;
    throw new EdgeError('FLEET_EXISTS', `Cannot create the thing group ${fleet.group} as it exists by now`, {
      cause: error,
      nextStep: 'Start the same command again: it looks at what is there, and adds to it',
    });
  }
}

function isThere(error: unknown): boolean {
  return error instanceof EdgeError && error.code === 'ALREADY_EXISTS';
}

/** Does the steps on things: those of one thing in their order, some things at a time. */
export async function applyToThings(
  cloud: ThingGroups & Things & Shadows,
  group: string,
  steps: readonly FleetStep[],
): Promise<void> {
  await inParallel(byThing(steps), async (ofThing) => {
    for (const step of ofThing) await perform(cloud, group, step);
  });
}

type ThingStep = Extract<FleetStep, { readonly thing: string }>;

function byThing(steps: readonly FleetStep[]): readonly (readonly ThingStep[])[] {
  const things = new Map<string, ThingStep[]>();
  for (const step of steps) {
    if (!('thing' in step)) continue;
    const held = things.get(step.thing);
    if (held === undefined) things.set(step.thing, [step]);
    else held.push(step);
  }
  return [...things.values()];
}

async function perform(cloud: ThingGroups & Things & Shadows, group: string, step: ThingStep): Promise<void> {
  switch (step.kind) {
    case 'create-thing':
      try {
        return await cloud.createThing(step.thing, step.attributes);
      } catch (error) {
        // It is there, by us or by others: then its attributes are left alone, as those of any thing.
        if (isThere(error)) return;
        throw error;
      }
    case 'register':
      return cloud.report(step.thing, REGISTRATION_SHADOW, registrationUpdate(group, step.entry));
    case 'join':
      return cloud.join(group, step.thing);
  }
}
