import type { Limit, MemberLimits, ServiceLimits } from './limits.js';

const name: Limit = { min: 1, max: 128, pattern: /^[a-zA-Z0-9:_-]+$/ };
const attributeName: Limit = { max: 128, pattern: /^[a-zA-Z0-9_.,@/:#-]+$/ };
const attributeValue: Limit = { max: 800, pattern: /^[a-zA-Z0-9_.,@/:#=[\]-]*$/ };
const tagKey: Limit = { min: 1, max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u };
const roleAlias: Limit = { min: 1, max: 128, pattern: /^[\w=,@-]+$/ };
const jobId: Limit = { min: 1, max: 64, pattern: /^[a-zA-Z0-9_-]+$/ };
const shadowName: Limit = { min: 1, max: 64, pattern: /^[$a-zA-Z0-9:_-]+$/ };
const fieldType: Limit = { oneOf: ['Number', 'String', 'Boolean'] };
const filled: Limit = { min: 1 };
const maxResults: Limit = { min: 1, max: 250 };
const tags: MemberLimits = { 'tags[].Key': tagKey, 'tags[].Value': { min: 0, max: 256 } };
const attributes: MemberLimits = {
  'attributePayload.attributes{key}': attributeName,
  'attributePayload.attributes{value}': attributeValue,
};
const membership: MemberLimits = { thingGroupName: name, thingName: name };
const aggregation: MemberLimits = { indexName: name, queryString: filled, aggregationField: filled };

/** What AWS IoT refuses before it looks at anything, by operation. A test holds it against AWS's own model. */
export const IOT_LIMITS: ServiceLimits = {
  CreateThing: { thingName: name, thingTypeName: name, billingGroupName: name, ...attributes },
  DescribeThing: { thingName: name },
  UpdateThing: { thingName: name, thingTypeName: name, ...attributes },
  DeleteThing: { thingName: name },
  ListThings: { maxResults, attributeName, attributeValue, thingTypeName: name },
  CreateThingGroup: {
    thingGroupName: name,
    parentGroupName: name,
    'thingGroupProperties.thingGroupDescription': { max: 2028, pattern: /^[\x20-\x7e]*$/ },
    'thingGroupProperties.attributePayload.attributes{key}': attributeName,
    'thingGroupProperties.attributePayload.attributes{value}': attributeValue,
    ...tags,
  },
  DescribeThingGroup: { thingGroupName: name },
  ListThingGroups: { maxResults, parentGroup: name, namePrefixFilter: name },
  DeleteThingGroup: { thingGroupName: name },
  AddThingToThingGroup: membership,
  RemoveThingFromThingGroup: membership,
  ListThingsInThingGroup: { thingGroupName: name, maxResults },
  ListThingGroupsForThing: { thingName: name, maxResults },
  TagResource: tags,
  UntagResource: { 'tagKeys[]': tagKey },
  CreateRoleAlias: {
    roleAlias,
    roleArn: { min: 20, max: 2048 },
    credentialDurationSeconds: { min: 900, max: 43_200 },
    ...tags,
  },
  DescribeRoleAlias: { roleAlias },
  DescribeJob: { jobId },
  ListJobs: {
    status: { oneOf: ['IN_PROGRESS', 'CANCELED', 'COMPLETED', 'DELETION_IN_PROGRESS', 'SCHEDULED'] },
    targetSelection: { oneOf: ['CONTINUOUS', 'SNAPSHOT'] },
    maxResults,
    thingGroupName: name,
    thingGroupId: { min: 1, max: 128, pattern: /^[a-zA-Z0-9-]+$/ },
    namespaceId: { pattern: /^[a-zA-Z0-9_-]+$/ },
  },
  ListJobExecutionsForJob: {
    jobId,
    status: {
      oneOf: ['QUEUED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'REJECTED', 'REMOVED', 'CANCELED'],
    },
    maxResults,
  },
  DescribeJobExecution: { jobId, thingName: name },
  CancelJob: {
    jobId,
    reasonCode: { max: 128, pattern: /^[\p{Lu}\p{Nd}_]+$/u },
    comment: { max: 2028, pattern: /^[^\p{C}]+$/u },
  },
  // The model names no greatest page of a search; its documentation does.
  SearchIndex: { indexName: name, queryString: filled, maxResults: { min: 1, max: 500 } },
  DescribeIndex: { indexName: name },
  GetStatistics: aggregation,
  GetPercentiles: { ...aggregation, 'percents[]': { min: 0, max: 100 } },
  GetCardinality: aggregation,
  GetBucketsAggregation: {
    ...aggregation,
    'bucketsAggregationType.termsAggregation.maxBuckets': { min: 1, max: 10_000 },
  },
  UpdateIndexingConfiguration: {
    'thingIndexingConfiguration.thingIndexingMode': { oneOf: ['OFF', 'REGISTRY', 'REGISTRY_AND_SHADOW'] },
    'thingIndexingConfiguration.thingConnectivityIndexingMode': { oneOf: ['OFF', 'STATUS'] },
    'thingIndexingConfiguration.deviceDefenderIndexingMode': { oneOf: ['OFF', 'VIOLATIONS'] },
    'thingIndexingConfiguration.namedShadowIndexingMode': { oneOf: ['OFF', 'ON'] },
    'thingIndexingConfiguration.managedFields[].type': fieldType,
    'thingIndexingConfiguration.customFields[].type': fieldType,
    'thingIndexingConfiguration.filter.namedShadowNames[]': shadowName,
    'thingIndexingConfiguration.filter.geoLocations[].order': { oneOf: ['LatLon', 'LonLat'] },
    'thingGroupIndexingConfiguration.thingGroupIndexingMode': { oneOf: ['OFF', 'ON'] },
    'thingGroupIndexingConfiguration.managedFields[].type': fieldType,
    'thingGroupIndexingConfiguration.customFields[].type': fieldType,
  },
  DescribeEndpoint: { endpointType: { max: 128 } },
};

/** The same of its data plane. */
export const IOT_DATA_LIMITS: ServiceLimits = {
  GetThingShadow: { thingName: name, shadowName },
  UpdateThingShadow: { thingName: name, shadowName },
  DeleteThingShadow: { thingName: name, shadowName },
  ListNamedShadowsForThing: { thingName: name, pageSize: { min: 1, max: 100 } },
};
