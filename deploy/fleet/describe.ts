import { EdgeError } from '../../src/core/mod.js';
import type { GroupRecord, RoleAliases, ThingGroups } from '../cloud/fleet/mod.js';
import { FLEET_MARKS } from './marks.js';
import { inParallel } from './parallel.js';

/** DeviceFleetSummary's counterpart, read off the thing group and its tags. */
export interface FleetSummary {
  readonly deviceFleetName: string;
  readonly thingGroup: string;
  readonly outputConfig: {
    readonly s3OutputLocation: string | undefined;
    readonly kmsKeyId: string | undefined;
  };
  readonly iotRoleAlias: string | undefined;
}

/** DescribeDeviceFleet's counterpart. */
export interface FleetDescription extends FleetSummary {
  readonly deviceFleetArn: string;
  readonly description: string;
  readonly creationTime: string | undefined;
  /** The role behind the alias; undefined where the alias is not there. */
  readonly roleArn: string | undefined;
  readonly artifactBucket: string | undefined;
  readonly registeredDeviceCount: number;
  /** Tags beside those that say the above. */
  readonly tags: Readonly<Record<string, string>>;
}

/** The thing groups that an apply marked as fleets, by name: one call for each group that is looked at. */
export async function listFleets(cloud: ThingGroups, prefix = ''): Promise<readonly FleetSummary[]> {
  const groups = await cloud.groups(prefix);
  const found = await inParallel(groups, async ({ name, arn }) =>
    summaryOf(name, await cloud.groupTags(arn)),
  );
  return found
    .filter((one) => one !== undefined)
    .sort((a, b) => (a.deviceFleetName < b.deviceFleetName ? -1 : 1));
}

/** A fleet, or a thing group that is none yet. @throws EdgeError NOT_FOUND */
export async function describeFleet(
  cloud: ThingGroups & RoleAliases,
  groupName: string,
): Promise<FleetDescription> {
  const group = await groupNamed(cloud, 'describe the fleet', groupName);
  const tags = await cloud.groupTags(group.arn);
  const alias = tags[FLEET_MARKS.roleAlias];
  const marks = Object.values<string>(FLEET_MARKS);
  return {
    ...(summaryOf(groupName, tags) ?? summary(groupName, groupName, tags)),
    deviceFleetArn: group.arn,
    description: group.description,
    creationTime: group.createdAtMs === undefined ? undefined : new Date(group.createdAtMs).toISOString(),
    roleArn: alias === undefined ? undefined : (await cloud.roleAlias(alias))?.roleArn,
    artifactBucket: tags[FLEET_MARKS.artifacts],
    registeredDeviceCount: (await cloud.thingsIn(groupName)).length,
    tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !marks.includes(key))),
  };
}

/** @param action for the error's sentence @throws EdgeError NOT_FOUND */
export async function groupNamed(cloud: ThingGroups, action: string, name: string): Promise<GroupRecord> {
  const group = await cloud.group(name);
  if (group !== undefined) return group;
  throw new EdgeError('FLEET_NOT_FOUND', `Cannot ${action} as the thing group ${name} does not exist`, {
    field: 'fleet',
    nextStep: 'Create it with edge-manager fleet apply; edge-manager fleet list shows those there are',
  });
}

function summaryOf(group: string, tags: Readonly<Record<string, string>>): FleetSummary | undefined {
  const fleet = tags[FLEET_MARKS.fleet];
  return fleet === undefined ? undefined : summary(fleet, group, tags);
}

function summary(fleet: string, group: string, tags: Readonly<Record<string, string>>): FleetSummary {
  return {
    deviceFleetName: fleet,
    thingGroup: group,
    outputConfig: { s3OutputLocation: tags[FLEET_MARKS.output], kmsKeyId: tags[FLEET_MARKS.kmsKey] },
    iotRoleAlias: tags[FLEET_MARKS.roleAlias],
  };
}
