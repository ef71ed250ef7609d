import type { Need } from '../iam/mod.js';
import { memberOf, type ArnMaker, type Input, type NeedsTable } from './needs.js';

export interface GreengrassLookups {
  /** The target's ARN of a deployment; undefined where there is none of this id. */
  readonly targetOf: (deploymentId: string) => string | undefined;
  /** The name that a recipe's text gives its component; empty where the text is no recipe. */
  readonly componentOf: (recipe: string) => string;
}

/**
 * Rights of Greengrass V2, as its service authorization reference has them. Deployments are IoT jobs, or shadows of one
 * thing, and Greengrass makes, reads and ends them in the name of who calls: those are its dependent actions.
 */
export function greengrassNeeds({ targetOf, componentOf }: GreengrassLookups): NeedsTable {
  const onDeployment =
    (action: string, dependent: (target: string, job: string) => readonly Need[]) =>
    (input: Input, arn: ArnMaker): readonly Need[] => {
      const id = memberOf(input, 'deploymentId');
      const target = targetOf(id);
      const own = { action: `greengrass:${action}`, resource: arn('greengrass', `deployments:${id}`) };
      return target === undefined ? [own] : [own, ...dependent(target, arn('iot', `job/${id}`))];
    };
  return {
    CreateComponentVersion: (input, arn) => {
      const recipe = input['inlineRecipe'];
      const name = recipe instanceof Uint8Array ? componentOf(Buffer.from(recipe).toString()) : '';
      return withTags(input, [
        { action: 'greengrass:CreateComponentVersion', resource: arn('greengrass', `components:${name}`) },
      ]);
    },
    DescribeComponent: onArn('DescribeComponent', 'arn'),
    GetComponent: onArn('GetComponent', 'arn'),
    ListComponentVersions: onArn('ListComponentVersions', 'arn'),
    DeleteComponent: onArn('DeleteComponent', 'arn'),
    TagResource: onArn('TagResource', 'resourceArn'),
    UntagResource: onArn('UntagResource', 'resourceArn'),
    ListTagsForResource: onArn('ListTagsForResource', 'resourceArn'),
    CreateDeployment: (input, arn) => {
      const target = memberOf(input, 'targetArn');
      const own = { action: 'greengrass:CreateDeployment', resource: '*' };
      const tag = { action: 'greengrass:TagResource', resource: arn('greengrass', 'deployments:new') };
      return [
        own,
        ...(hasTags(input) ? [tag] : []),
        ...changing(target, arn('iot', 'job/new')),
        ...onEach(['iot:CreateJob'], [target, arn('iot', 'job/new')]),
      ];
    },
    GetDeployment: onDeployment('GetDeployment', reading),
    CancelDeployment: onDeployment('CancelDeployment', changing),
    DeleteDeployment: onDeployment('DeleteDeployment', (_target, job) => [
      { action: 'iot:DeleteJob', resource: job },
    ]),
    ListDeployments: (input, arn) => {
      const target = memberOf(input, 'targetArn');
      const own = { action: 'greengrass:ListDeployments', resource: '*' };
      return [own, ...reading(target === '' ? arn('iot', 'thinggroup/any') : target, arn('iot', 'job/any'))];
    },
    GetCoreDevice: onCore('GetCoreDevice'),
    ListInstalledComponents: onCore('ListInstalledComponents'),
    ListEffectiveDeployments: (input, arn) => [
      ...onCore('ListEffectiveDeployments')(input, arn),
      { action: 'iot:DescribeJobExecution', resource: arn('iot', 'job/any') },
      ...reading(arn('iot', 'thinggroup/any'), arn('iot', 'job/any')),
    ],
  };
}

function onArn(action: string, member: string): NeedsTable[string] {
  return (input) => [{ action: `greengrass:${action}`, resource: memberOf(input, member) }];
}

function onCore(action: string): NeedsTable[string] {
  return (input, arn) => [
    {
      action: `greengrass:${action}`,
      resource: arn('greengrass', `coreDevices:${memberOf(input, 'coreDeviceThingName')}`),
    },
  ];
}

function isThing(target: string): boolean {
  return target.includes(':thing/');
}

/** The reference does not tell targets apart: whoever deploys to a group needs the rights on things too. */
function reading(target: string, job: string): readonly Need[] {
  const any = (kind: string): string => target.replace(/:(thing|thinggroup)\/.*$/, `:${kind}/any`);
  const thing = isThing(target) ? target : any('thing');
  return [
    { action: 'iot:DescribeJob', resource: job },
    { action: 'iot:DescribeThingGroup', resource: isThing(target) ? any('thinggroup') : target },
    ...onEach(['iot:DescribeThing', 'iot:GetThingShadow'], [thing]),
  ];
}

function changing(target: string, job: string): readonly Need[] {
  const thing = isThing(target) ? target : target.replace(/:thinggroup\/.*$/, ':thing/any');
  return [
    ...reading(target, job),
    ...onEach(['iot:UpdateJob', 'iot:CancelJob'], [job]),
    ...onEach(['iot:UpdateThingShadow', 'iot:DeleteThingShadow'], [thing]),
  ];
}

function onEach(actions: readonly string[], resources: readonly string[]): readonly Need[] {
  return actions.flatMap((action) => resources.map((resource) => ({ action, resource })));
}

function hasTags(input: Input): boolean {
  const tags = input['tags'];
  return typeof tags === 'object' && tags !== null && Object.keys(tags).length > 0;
}

function withTags(input: Input, own: readonly Need[]): readonly Need[] {
  if (!hasTags(input)) return own;
  return [...own, ...own.map(({ resource }) => ({ action: 'greengrass:TagResource', resource }))];
}
