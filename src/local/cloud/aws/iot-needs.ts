import type { Need } from '../iam/mod.js';
import { memberOf, type ArnMaker, type Input, type NeedsTable } from './needs.js';

type Make = NeedsTable[string];

/** A right on a resource that a member of the input names. */
function on(action: string, kind: string, member: string): Make {
  return (input, arn) => [
    { action: `iot:${action}`, resource: arn('iot', `${kind}/${memberOf(input, member)}`) },
  ];
}

/** Where the member is an ARN itself. */
function onArn(action: string): Make {
  return (input) => [{ action: `iot:${action}`, resource: memberOf(input, 'resourceArn') }];
}

function ofMembership(action: string): Make {
  return (input: Input, arn: ArnMaker): readonly Need[] => {
    const resource = (kind: string, member: string): string => {
      const given = memberOf(input, `${member}Arn`);
      return given === '' ? arn('iot', `${kind}/${memberOf(input, `${member}Name`)}`) : given;
    };
    return [
      { action: `iot:${action}`, resource: resource('thinggroup', 'thingGroup') },
      { action: `iot:${action}`, resource: resource('thing', 'thing') },
    ];
  };
}

function ofIndex(action: string): Make {
  return (input, arn) => {
    const name = memberOf(input, 'indexName');
    return [{ action: `iot:${action}`, resource: arn('iot', `index/${name === '' ? 'AWS_Things' : name}`) }];
  };
}

/** What else an operation takes where its input has tags. */
function withTags(make: Make): Make {
  return (input, arn) => {
    const own = make(input, arn);
    const hasTags = Array.isArray(input['tags']) && input['tags'].length > 0;
    return hasTags ? [...own, ...own.map(({ resource }) => ({ action: 'iot:TagResource', resource }))] : own;
  };
}

/** Rights of AWS IoT that are asked on a resource, as its service authorization reference has them; all others on `*`. */
export const IOT_NEEDS: NeedsTable = {
  CreateThing: on('CreateThing', 'thing', 'thingName'),
  DescribeThing: on('DescribeThing', 'thing', 'thingName'),
  UpdateThing: on('UpdateThing', 'thing', 'thingName'),
  DeleteThing: on('DeleteThing', 'thing', 'thingName'),
  ListThingGroupsForThing: on('ListThingGroupsForThing', 'thing', 'thingName'),
  CreateThingGroup: withTags(on('CreateThingGroup', 'thinggroup', 'thingGroupName')),
  DescribeThingGroup: on('DescribeThingGroup', 'thinggroup', 'thingGroupName'),
  DeleteThingGroup: on('DeleteThingGroup', 'thinggroup', 'thingGroupName'),
  ListThingsInThingGroup: on('ListThingsInThingGroup', 'thinggroup', 'thingGroupName'),
  AddThingToThingGroup: ofMembership('AddThingToThingGroup'),
  RemoveThingFromThingGroup: ofMembership('RemoveThingFromThingGroup'),
  TagResource: onArn('TagResource'),
  UntagResource: onArn('UntagResource'),
  ListTagsForResource: onArn('ListTagsForResource'),
  CreateRoleAlias: (input, arn) => [
    { action: 'iot:CreateRoleAlias', resource: arn('iot', `rolealias/${memberOf(input, 'roleAlias')}`) },
    { action: 'iam:PassRole', resource: memberOf(input, 'roleArn') },
  ],
  DescribeRoleAlias: on('DescribeRoleAlias', 'rolealias', 'roleAlias'),
  DescribeJob: on('DescribeJob', 'job', 'jobId'),
  ListJobExecutionsForJob: on('ListJobExecutionsForJob', 'job', 'jobId'),
  DescribeJobExecution: (input, arn) => [
    { action: 'iot:DescribeJobExecution', resource: arn('iot', `job/${memberOf(input, 'jobId')}`) },
    { action: 'iot:DescribeJobExecution', resource: arn('iot', `thing/${memberOf(input, 'thingName')}`) },
  ],
  CancelJob: on('CancelJob', 'job', 'jobId'),
  SearchIndex: ofIndex('SearchIndex'),
  DescribeIndex: ofIndex('DescribeIndex'),
  GetStatistics: ofIndex('GetStatistics'),
  GetPercentiles: ofIndex('GetPercentiles'),
  GetCardinality: ofIndex('GetCardinality'),
  GetBucketsAggregation: ofIndex('GetBucketsAggregation'),
};

/** The shadow's name is no part of the resource. */
export const IOT_DATA_NEEDS: NeedsTable = {
  GetThingShadow: on('GetThingShadow', 'thing', 'thingName'),
  UpdateThingShadow: on('UpdateThingShadow', 'thing', 'thingName'),
  DeleteThingShadow: on('DeleteThingShadow', 'thing', 'thingName'),
  ListNamedShadowsForThing: on('ListNamedShadowsForThing', 'thing', 'thingName'),
};
