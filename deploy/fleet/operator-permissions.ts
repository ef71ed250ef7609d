import type { JsonObject } from '../../src/core/mod.js';
import type { Fleet } from './fleet.js';
import { s3Arn, type Place } from './place.js';

/**
 * What the commands `fleet`, `device`, `publish`, `models`, `deploy` and `report` ask of AWS for one fleet, one
 * statement for each kind of resource. Some rights only Greengrass uses, in the caller's name, when it makes, reads or
 * ends a deployment: its service authorization reference calls them dependent actions.
 */
export function operatorPermissions(fleet: Fleet, place: Place): readonly JsonObject[] {
  const { partition, region, account } = place;
  const iot = (resource: string): string => `arn:${partition}:iot:${region}:${account}:${resource}`;
  const greengrass = (resource: string): string =>
    `arn:${partition}:greengrass:${region}:${account}:${resource}`;
  // Stages have groups of their own.
  const groups = [iot(`thinggroup/${fleet.group}`), iot(`thinggroup/${fleet.group}-stage-*`)];
  return [
    // `fleet list` reads the tags of all groups, and a fleet's query may name any.
    allow('AllThingGroups', ['iot:DescribeThingGroup', 'iot:ListTagsForResource'], iot('thinggroup/*')),
    allow('ThingGroups', GROUP_ACTIONS, groups),
    allow('Things', thingActions(fleet), iot('thing/*')),
    allow('FleetIndex', INDEX_ACTIONS, iot('index/AWS_Things')),
    allow('Jobs', JOB_ACTIONS, iot('job/*')),
    allow('Deployments', DEPLOYMENT_ACTIONS, greengrass('deployments:*')),
    allow('Components', COMPONENT_ACTIONS, greengrass('components:*')),
    // These know no resources.
    allow('Account', ACCOUNT_ACTIONS, '*'),
    ...(fleet.roleAlias === undefined
      ? []
      : [allow('RoleAlias', 'iot:DescribeRoleAlias', iot(`rolealias/${fleet.roleAlias}`))]),
    ...(fleet.artifactBucket === undefined ? [] : artifactPermissions(place, fleet.artifactBucket)),
  ];
}

const GROUP_ACTIONS = [
  'iot:CreateThingGroup',
  'iot:TagResource',
  'iot:ListThingsInThingGroup',
  'iot:AddThingToThingGroup',
  'iot:RemoveThingFromThingGroup',
  // Greengrass's.
  'iot:CreateJob',
];
const INDEX_ACTIONS = [
  'iot:SearchIndex',
  'iot:GetStatistics',
  'iot:GetBucketsAggregation',
  'iot:GetPercentiles',
];
const JOB_ACTIONS = [
  'iot:DescribeJob',
  'iot:ListJobExecutionsForJob',
  'iot:DescribeJobExecution',
  // Greengrass's.
  'iot:CreateJob',
  'iot:UpdateJob',
  'iot:CancelJob',
];
const DEPLOYMENT_ACTIONS = [
  'greengrass:GetDeployment',
  'greengrass:CancelDeployment',
  'greengrass:TagResource',
];
const COMPONENT_ACTIONS = [
  'greengrass:CreateComponentVersion',
  'greengrass:DescribeComponent',
  'greengrass:GetComponent',
  'greengrass:ListComponentVersions',
  'greengrass:DeleteComponent',
  'greengrass:TagResource',
];
const ACCOUNT_ACTIONS = [
  'greengrass:ListComponents',
  'greengrass:ListCoreDevices',
  'greengrass:ListDeployments',
  'greengrass:CreateDeployment',
  'iot:ListThingGroups',
  'iot:GetIndexingConfiguration',
  'iot:UpdateIndexingConfiguration',
];

function thingActions(fleet: Fleet): readonly string[] {
  return [
    'iot:DescribeThing',
    // How a job went on a thing is asked of both.
    'iot:DescribeJobExecution',
    ...(fleet.createThings ? ['iot:CreateThing', 'iot:DeleteThing'] : []),
    'iot:AddThingToThingGroup',
    'iot:RemoveThingFromThingGroup',
    'iot:GetThingShadow',
    'iot:UpdateThingShadow',
    // Greengrass's.
    'iot:DeleteThingShadow',
  ];
}

function artifactPermissions(place: Place, bucket: string): readonly JsonObject[] {
  const objects = `${s3Arn(place, bucket)}/*`;
  const container = bucket.startsWith('arn:') ? bucket : s3Arn(place, bucket);
  return [
    allow('ArtifactBucket', 's3:ListBucket', container),
    // Read too: Greengrass looks at them in your name, and `models` reads manifests.
    allow('Artifacts', ['s3:PutObject', 's3:GetObject'], objects),
  ];
}

function allow(
  sid: string,
  actions: string | readonly string[],
  resources: string | readonly string[],
): JsonObject {
  return {
    Sid: sid,
    Effect: 'Allow',
    Action: typeof actions === 'string' ? actions : [...actions],
    Resource: typeof resources === 'string' ? resources : [...resources],
  };
}
