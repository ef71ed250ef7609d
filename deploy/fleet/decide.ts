import { canonicalJson, EdgeError } from '../../src/core/mod.js';
import type { Fleet } from './fleet.js';
import { FLEET_MARKS, fleetMarks } from './marks.js';
import type { DeviceState, FleetState } from './state.js';
import type { FleetStep, LeftAlone } from './steps.js';

export interface FleetDecision {
  readonly steps: readonly FleetStep[];
  readonly leftAlone: readonly LeftAlone[];
  readonly warnings: readonly string[];
}

/** What is missing in the cloud. Throws where an apply must not start. */
export function decideFleet(fleet: Fleet, state: FleetState, nowMs: number): FleetDecision {
  checkGroup(fleet, state);
  if (!fleet.createThings) checkThings(`plan the fleet ${fleet.name}`, state.devices);
  const wanted = { ...fleet.tags, ...fleetMarks(fleet) };
  return {
    steps: [...groupSteps(fleet, state, wanted), ...state.devices.flatMap((one) => deviceSteps(one, nowMs))],
    leftAlone: leftAlone(fleet, state, wanted),
    warnings: [...fleet.warnings, ...warningsOn(fleet, state)],
  };
}

function checkGroup(fleet: Fleet, { group, tags }: FleetState): void {
  const field = `fleets.${fleet.name}.thingGroup`;
  if (fleet.groupArn !== undefined && group === undefined) {
    throw new EdgeError(
      'FLEET_NOT_FOUND',
      `Cannot plan the fleet ${fleet.name} as the thing group ${fleet.groupArn} does not exist`,
      { field, nextStep: 'Correct the ARN, or give the group by name: then it is created' },
    );
  }
  if (fleet.groupArn !== undefined && group !== undefined && group.arn !== fleet.groupArn) {
    throw new EdgeError(
      'FLEET_INVALID',
      `Cannot plan the fleet ${fleet.name} as its thing group must be in this account and region (${group.arn}): current value is ${fleet.groupArn}`,
      { field, nextStep: 'Correct the ARN, or set AWS_PROFILE and AWS_REGION to where the group is' },
    );
  }
  const owner = tags[FLEET_MARKS.fleet];
  if (owner !== undefined && owner !== fleet.name) {
    throw new EdgeError(
      'FLEET_TAKEN',
      `Cannot plan the fleet ${fleet.name} as the thing group ${fleet.group} is the fleet ${owner}`,
      { field, nextStep: `Name the fleet ${owner}, or give it another thing group` },
    );
  }
}

/** @param action for the error's sentence @throws EdgeError NOT_FOUND that names the things that are missing */
export function checkThings(action: string, devices: readonly DeviceState[]): void {
  const missing = devices.filter((one) => !one.exists).map((one) => one.device.thing);
  if (missing.length === 0) return;
  const shown = missing.slice(0, 5).join(', ');
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
  throw new EdgeError('DEVICE_NOT_FOUND', `Cannot ${action} as these things do not exist: ${shown}${more}`, {
    field: 'devices',
    nextStep:
      'Provision the devices first, correct their thing names, or let them be created (createThings: true, or --create-things)',
  });
}

function groupSteps(
  fleet: Fleet,
  { group, tags }: FleetState,
  wanted: Readonly<Record<string, string>>,
): readonly FleetStep[] {
  if (group === undefined) return [{ kind: 'create-group', description: fleet.description, tags: wanted }];
  const missing = Object.entries(wanted).filter(
    ([key, value]) => tags[key] === undefined || (isMark(key) && tags[key] !== value),
  );
  return missing.length === 0 ? [] : [{ kind: 'tag-group', tags: Object.fromEntries(missing) }];
}

/** What is missing of one device. */
export function deviceSteps(state: DeviceState, nowMs: number): readonly FleetStep[] {
  const { device, exists, isMember, registration } = state;
  const { thing, attributes } = device;
  const steps: FleetStep[] = exists ? [] : [{ kind: 'create-thing', thing, attributes }];
  const saysMore = device.description !== undefined || device.name !== thing;
  const isRegistered =
    registration?.device === device.name && registration.description === device.description;
  if (!isRegistered && (!isMember || saysMore)) {
    const entry = {
      device: device.name,
      ...(device.description === undefined ? {} : { description: device.description }),
      registeredAtMs: registration?.registeredAtMs ?? nowMs,
    };
    steps.push({ kind: 'register', thing, entry });
  }
  // Last: who is a member is done.
  if (!isMember) steps.push({ kind: 'join', thing });
  return steps;
}

function leftAlone(
  fleet: Fleet,
  { group, tags, members, devices }: FleetState,
  wanted: Readonly<Record<string, string>>,
): readonly LeftAlone[] {
  if (group === undefined) return [];
  const named = new Set(devices.map((one) => one.device.thing));
  return [
    ...(fleet.description === '' || group.description === fleet.description
      ? []
      : [{ kind: 'description' as const, value: group.description }]),
    ...Object.entries(tags)
      .filter(([key, value]) => wanted[key] !== value && !(isMark(key) && wanted[key] !== undefined))
      .map(([name, value]) => ({ kind: 'tag' as const, name, value })),
    ...members.filter((name) => !named.has(name)).map((name) => ({ kind: 'member' as const, name })),
  ];
}

function isMark(key: string): boolean {
  return Object.values<string>(FLEET_MARKS).includes(key);
}

/** Nucleus lite can't give a component more, what the recipe has (about 1.5 kB) included. */
const LITE_CONFIGURATION_BYTES = 6000;
const RECIPE_BYTES = 1500;

function warningsOn(fleet: Fleet, { devices, roleAlias }: FleetState): readonly string[] {
  const warnings: string[] = [];
  const bytes = Buffer.byteLength(canonicalJson(fleet.agent ?? {}));
  if (bytes > LITE_CONFIGURATION_BYTES - RECIPE_BYTES)
    warnings.push(
      `The agent configuration of ${fleet.name} has ${bytes} bytes, which nucleus lite may not take: put keys into signature.trustedKeysFile`,
    );
  if (fleet.query !== undefined && devices.length === 0)
    warnings.push(`No thing matches the query of ${fleet.name} now`);
  if (fleet.roleAlias !== undefined && roleAlias === undefined) {
    const role = fleet.roleArn ?? 'ROLE_ARN';
    warnings.push(
      `The role alias ${fleet.roleAlias} does not exist: aws iot create-role-alias --role-alias ${fleet.roleAlias} --role-arn ${role}`,
    );
  }
  if (roleAlias !== undefined && fleet.roleArn !== undefined && roleAlias.roleArn !== fleet.roleArn)
    warnings.push(
      `The role alias ${fleet.roleAlias} stands for ${roleAlias.roleArn}, not for ${fleet.roleArn}`,
    );
  return warnings;
}
