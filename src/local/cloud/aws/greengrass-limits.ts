import type { Limit, MemberLimits, ServiceLimits } from './limits.js';

const arn = (resources: string): Limit => ({
  pattern: new RegExp(`^arn:[^:]*:greengrass:[^:]*:(aws|[0-9]+):${resources}$`),
});
const componentArn = arn('components:[^:]+');
const versionArn = arn('components:[^:]+:versions:[^:]+');
const taggedArn = arn('(components|deployments|coreDevices):.*');
const targetArn: Limit = { pattern: /^arn:[^:]*:iot:[^:]*:[0-9]+:(thing|thinggroup)\/.+$/ };
const groupArn: Limit = { pattern: /^arn:[^:]*:iot:[^:]*:[0-9]+:thinggroup\/.+$/ };
const filled: Limit = { min: 1 };
const maxResults: Limit = { min: 1, max: 100 };
const clientToken: Limit = { min: 1, max: 64, pattern: /^[a-zA-Z0-9-]+$/ };
const thingName: Limit = { min: 1, max: 128 };
const accessMode: Limit = { oneOf: ['ro', 'rw'] };
const tags: MemberLimits = {
  tags: { min: 1, max: 200 },
  'tags{key}': { min: 1, max: 128 },
  'tags{value}': { max: 256 },
};

const lambda: MemberLimits = {
  lambdaArn: filled,
  componentName: { min: 1, max: 128 },
  componentVersion: { min: 1, max: 64 },
  'componentPlatforms[].name': filled,
  'componentPlatforms[].attributes{key}': filled,
  'componentPlatforms[].attributes{value}': filled,
  'componentDependencies{key}': filled,
  'componentDependencies{value}.versionRequirement': filled,
  'componentDependencies{value}.dependencyType': { oneOf: ['HARD', 'SOFT'] },
  'componentLambdaParameters.eventSources[].type': { oneOf: ['PUB_SUB', 'IOT_CORE'] },
  'componentLambdaParameters.inputPayloadEncodingType': { oneOf: ['json', 'binary'] },
  'componentLambdaParameters.environmentVariables{key}': filled,
  'componentLambdaParameters.linuxProcessParams.isolationMode': {
    oneOf: ['GreengrassContainer', 'NoContainer'],
  },
  'componentLambdaParameters.linuxProcessParams.containerParams.volumes[].permission': accessMode,
  'componentLambdaParameters.linuxProcessParams.containerParams.devices[].permission': accessMode,
};

const component: MemberLimits = {
  componentVersion: { min: 1, max: 64 },
  'configurationUpdate.merge': { min: 1, max: 10_485_760 },
  'configurationUpdate.reset[]': { min: 0, max: 256 },
  'runWith.posixUser': filled,
  'runWith.windowsUser': filled,
  'runWith.systemResourceLimits.memory': { min: 0, max: 9_223_372_036_854_771_712 },
  'runWith.systemResourceLimits.cpus': { min: 0 },
};

const rollout: MemberLimits = {
  maximumPerMinute: { min: 1, max: 1000 },
  'exponentialRate.baseRatePerMinute': { min: 1, max: 1000 },
  'exponentialRate.incrementFactor': { min: 1, max: 5 },
  'exponentialRate.rateIncreaseCriteria.numberOfNotifiedThings': filled,
  'exponentialRate.rateIncreaseCriteria.numberOfSucceededThings': filled,
};

const abort: MemberLimits = {
  criteriaList: filled,
  'criteriaList[].failureType': { oneOf: ['FAILED', 'REJECTED', 'TIMED_OUT', 'ALL'] },
  'criteriaList[].action': { oneOf: ['CANCEL'] },
  'criteriaList[].thresholdPercentage': { max: 100 },
  'criteriaList[].minNumberOfExecutedThings': filled,
};

function below(path: string, limits: MemberLimits): MemberLimits {
  return Object.fromEntries(Object.entries(limits).map(([member, limit]) => [`${path}.${member}`, limit]));
}

/** What Greengrass V2 refuses before it looks at anything, by operation. A test holds it against AWS's own model. */
export const GREENGRASS_LIMITS: ServiceLimits = {
  CreateComponentVersion: { ...below('lambdaFunction', lambda), ...tags, clientToken },
  DescribeComponent: { arn: versionArn },
  GetComponent: { arn: versionArn, recipeOutputFormat: { oneOf: ['JSON', 'YAML'] } },
  ListComponents: { scope: { oneOf: ['PRIVATE', 'PUBLIC'] }, maxResults },
  ListComponentVersions: { arn: componentArn, maxResults },
  DeleteComponent: { arn: versionArn },
  TagResource: { resourceArn: taggedArn, ...tags },
  UntagResource: { resourceArn: taggedArn, tagKeys: { min: 1, max: 200 }, 'tagKeys[]': { min: 1, max: 128 } },
  ListTagsForResource: { resourceArn: taggedArn },
  CreateDeployment: {
    targetArn,
    parentTargetArn: groupArn,
    deploymentName: { min: 1, max: 256 },
    'components{key}': filled,
    ...below('components{value}', component),
    ...below('iotJobConfiguration.jobExecutionsRolloutConfig', rollout),
    ...below('iotJobConfiguration.abortConfig', abort),
    'deploymentPolicies.failureHandlingPolicy': { oneOf: ['ROLLBACK', 'DO_NOTHING'] },
    'deploymentPolicies.componentUpdatePolicy.action': {
      oneOf: ['NOTIFY_COMPONENTS', 'SKIP_NOTIFY_COMPONENTS'],
    },
    ...tags,
    clientToken,
  },
  GetDeployment: { deploymentId: filled },
  ListDeployments: {
    targetArn,
    parentTargetArn: groupArn,
    historyFilter: { oneOf: ['ALL', 'LATEST_ONLY'] },
    maxResults,
  },
  CancelDeployment: { deploymentId: filled },
  DeleteDeployment: { deploymentId: filled },
  GetCoreDevice: { coreDeviceThingName: thingName },
  ListCoreDevices: {
    thingGroupArn: groupArn,
    status: { oneOf: ['HEALTHY', 'UNHEALTHY'] },
    maxResults,
    runtime: { min: 1, max: 255 },
  },
  ListEffectiveDeployments: { coreDeviceThingName: thingName, maxResults },
  ListInstalledComponents: {
    coreDeviceThingName: thingName,
    maxResults,
    topologyFilter: { oneOf: ['ALL', 'ROOT'] },
  },
};
