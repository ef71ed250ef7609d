import { EdgeError, type Clock } from '../../src/core/mod.js';
import type { Shadows, ThingGroups, Things } from '../cloud/fleet/mod.js';
import { applyToThings } from './apply.js';
import { checkThings, deviceSteps } from './decide.js';
import { groupNamed } from './describe.js';
import type { FleetDevice } from './fleet.js';
import { inParallel } from './parallel.js';
import { REGISTRATION_SHADOW, registrationIn, registrationUpdate } from './registration.js';
import { readDevice } from './state.js';
import type { FleetStep } from './steps.js';

/** RegisterDevices' and UpdateDevices' counterpart: what is missing, decided. Changes nothing. */
export async function proposeRegistration(
  cloud: ThingGroups & Things & Shadows,
  group: string,
  devices: readonly FleetDevice[],
  options: { readonly clock: Clock; readonly createThings?: boolean },
): Promise<readonly FleetStep[]> {
  await groupNamed(cloud, 'register devices', group);
  const members = new Set(await cloud.thingsIn(group));
  const states = await inParallel(devices, (device) =>
    readDevice(cloud, group, device, members.has(device.thing)),
  );
  if (options.createThings !== true) checkThings('register devices', states);
  return states.flatMap((state) => deviceSteps(state, options.clock.wallMs()));
}

/** Does what was proposed; safe to repeat after a kill. */
export async function registerDevices(
  cloud: ThingGroups & Things & Shadows,
  group: string,
  steps: readonly FleetStep[],
): Promise<void> {
  await applyToThings(cloud, group, steps);
}

/** More members than this are not read one by one for a name that is no thing's. */
const MAX_SCANNED = 1000;

/** The things of a fleet's devices, by device name or thing name. @throws EdgeError NOT_FOUND */
export async function thingsNamed(
  cloud: ThingGroups & Shadows,
  action: string,
  group: string,
  names: readonly string[],
): Promise<readonly string[]> {
  await groupNamed(cloud, action, group);
  const members = await cloud.thingsIn(group);
  const isMember = new Set(members);
  const others = names.filter((name) => !isMember.has(name));
  const byDevice = new Map<string, string>();
  if (others.length > 0 && members.length <= MAX_SCANNED) {
    await inParallel(members, async (thing) => {
      const entry = registrationIn(await cloud.reported(thing, REGISTRATION_SHADOW), group);
      if (entry !== undefined) byDevice.set(entry.device, thing);
    });
  }
  return names.map((name) => {
    const thing = isMember.has(name) ? name : byDevice.get(name);
    if (thing !== undefined) return thing;
    throw new EdgeError(
      'DEVICE_NOT_FOUND',
      `Cannot ${action} as ${name} is no device of the fleet ${group}`,
      {
        field: 'device',
        nextStep:
          members.length > MAX_SCANNED
            ? 'Give the name of its thing: in a fleet of this size only those are looked up'
            : `Run edge-manager device list ${group} for those there are`,
      },
    );
  });
}

/**
 * DeregisterDevices' counterpart. The membership goes last, so that the same command can be repeated after a kill;
 * deleting a thing ends its membership too. AWS refuses to delete a thing that has a certificate attached.
 */
export async function deregisterDevices(
  cloud: ThingGroups & Things & Shadows,
  group: string,
  things: readonly string[],
  options: { readonly deleteThings?: boolean } = {},
): Promise<void> {
  await inParallel(things, async (thing) => {
    const entry = registrationIn(await cloud.reported(thing, REGISTRATION_SHADOW), group);
    if (entry !== undefined)
      await cloud.report(thing, REGISTRATION_SHADOW, registrationUpdate(group, undefined));
    if (options.deleteThings === true) await cloud.deleteThing(thing);
    else await cloud.leave(group, thing);
  });
}
