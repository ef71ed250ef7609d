import { EdgeError } from '../../src/core/mod.js';
import type {
  FleetIndex,
  GroupRecord,
  RoleAliases,
  RoleAliasRecord,
  Shadows,
  ThingGroups,
  Things,
} from '../cloud/fleet/mod.js';
import type { Fleet, FleetDevice } from './fleet.js';
import { inParallel } from './parallel.js';
import { REGISTRATION_SHADOW, registrationIn, type Registration } from './registration.js';

/** A device that should be in the fleet, as the cloud has it. */
export interface DeviceState {
  readonly device: FleetDevice;
  readonly exists: boolean;
  readonly isMember: boolean;
  /** Not looked up for members that say no more than their name. */
  readonly registration: Registration | undefined;
}

/** What the cloud has of a fleet. */
export interface FleetState {
  readonly group: GroupRecord | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly members: readonly string[];
  readonly devices: readonly DeviceState[];
  readonly roleAlias: RoleAliasRecord | undefined;
}

/** A query's result is taken up to here. */
const MAX_QUERIED = 100_000;

/** Reads, and changes nothing. */
export async function readFleetState(
  cloud: ThingGroups & Things & FleetIndex & Shadows & RoleAliases,
  fleet: Fleet,
): Promise<FleetState> {
  const group = await cloud.group(fleet.group);
  const tags = group === undefined ? {} : await cloud.groupTags(group.arn);
  const members = group === undefined ? [] : await cloud.thingsIn(fleet.group);
  const isMember = new Set(members);
  const wanted = fleet.query === undefined ? fleet.devices : await queried(cloud, fleet, fleet.query);
  const devices = await inParallel(wanted, (device) =>
    readDevice(cloud, fleet.group, device, isMember.has(device.thing)),
  );
  const roleAlias = fleet.roleAlias === undefined ? undefined : await cloud.roleAlias(fleet.roleAlias);
  return { group, tags, members, devices, roleAlias };
}

async function queried(
  cloud: ThingGroups & FleetIndex,
  fleet: Fleet,
  query: string,
): Promise<readonly FleetDevice[]> {
  // The index answers a query on a group that does not exist with no things: a slip of the pen would pass.
  for (const [, quoted, plain] of query.matchAll(/thingGroupNames:(?:"([^"]+)"|([\w:-]+)(?![*?\w:-]))/g)) {
    const name = quoted ?? plain ?? '';
    if ((await cloud.groupArn(name)) !== undefined) continue;
    throw new EdgeError(
      'FLEET_NOT_FOUND',
      `Cannot plan the fleet ${fleet.name} as its query names the thing group ${name}, which does not exist`,
      { field: `fleets.${fleet.name}.query`, nextStep: 'Create the thing group, or correct the query' },
    );
  }
  const found = await cloud.search(query, MAX_QUERIED);
  return found.map(({ name }) => ({ name, thing: name, description: undefined, attributes: {} }));
}

/** A device as the cloud has it, for one thing group. */
export async function readDevice(
  cloud: Things & Shadows,
  group: string,
  device: FleetDevice,
  isMember: boolean,
): Promise<DeviceState> {
  const saysMore = device.description !== undefined || device.name !== device.thing;
  const exists = isMember || (await cloud.thing(device.thing)) !== undefined;
  if (!exists || (isMember && !saysMore)) return { device, exists, isMember, registration: undefined };
  const reported = await cloud.reported(device.thing, REGISTRATION_SHADOW);
  return { device, exists, isMember, registration: registrationIn(reported, group) };
}
