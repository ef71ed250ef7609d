import * as api from '@aws-sdk/client-iot';
import type { Tags } from './account.js';
import { on } from './bind.js';
import { AwsError, invalid } from './errors.js';
import type { BoundOperation } from './http.js';
import { page } from './page.js';
import type { Thing, ThingRegistry } from './things.js';

const SERVICE = 'iot';

/** Things, groups and tags. */
export function registryOperations(registry: ThingRegistry, tags: Tags): BoundOperation[] {
  return [
    ...thingOperations(registry),
    ...groupOperations(registry, tags),
    ...membershipOperations(registry),
    ...tagOperations(tags),
  ];
}

function thingOperations(registry: ThingRegistry): BoundOperation[] {
  return [
    on(api.CreateThing$, (input: api.CreateThingRequest) => {
      const thing = registry.createThing(input.thingName ?? '', input.attributePayload?.attributes);
      return { thingName: thing.name, thingArn: thing.arn, thingId: thing.name };
    }),
    on(api.DescribeThing$, (input: api.DescribeThingRequest) => {
      const thing = registry.thing(input.thingName ?? '');
      return {
        thingName: thing.name,
        thingArn: thing.arn,
        thingId: thing.name,
        defaultClientId: thing.name,
        attributes: { ...thing.attributes },
        version: thing.version,
      };
    }),
    on(api.ListThings$, (input: api.ListThingsRequest) => {
      const all = [...registry.things.values()].filter((thing) => hasAttribute(thing, input));
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken, 25);
      return {
        things: items.map(({ name, arn, attributes, version }) => ({
          thingName: name,
          thingArn: arn,
          attributes: { ...attributes },
          version,
        })),
        nextToken,
      };
    }),
    on(api.UpdateThing$, (input: api.UpdateThingRequest) => {
      const thing = registry.thing(input.thingName ?? '');
      checkVersion(input.expectedVersion, thing.version);
      const update = input.attributePayload?.attributes ?? {};
      const merged = input.attributePayload?.merge === true ? { ...thing.attributes, ...update } : update;
      // An empty value takes an attribute away.
      thing.attributes = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
      thing.version += 1;
      return {};
    }),
    on(api.DeleteThing$, (input: api.DeleteThingRequest) => {
      const version = registry.things.get(input.thingName ?? '')?.version;
      if (version !== undefined) checkVersion(input.expectedVersion, version);
      registry.deleteThing(input.thingName ?? '');
      return {};
    }),
  ];
}

function hasAttribute(thing: Thing, { attributeName, attributeValue }: api.ListThingsRequest): boolean {
  if (attributeName === undefined) return true;
  const value = thing.attributes[attributeName];
  return value !== undefined && (attributeValue === undefined || value === attributeValue);
}

function checkVersion(expected: number | undefined, current: number): void {
  if (expected === undefined || expected === current) return;
  throw new AwsError(
    'VersionConflictException',
    409,
    `The version is ${current}, not the expected ${expected}`,
  );
}

function groupOperations(registry: ThingRegistry, tags: Tags): BoundOperation[] {
  return [
    on(api.CreateThingGroup$, (input: api.CreateThingGroupRequest) => {
      const group = registry.createGroup(
        input.thingGroupName ?? '',
        input.thingGroupProperties?.thingGroupDescription,
        input.parentGroupName,
      );
      tags.set(group.arn, tagRecord(input.tags));
      return { thingGroupName: group.name, thingGroupArn: group.arn, thingGroupId: group.name };
    }),
    on(api.DescribeThingGroup$, (input: api.DescribeThingGroupRequest) => {
      const group = registry.group(input.thingGroupName ?? '');
      return {
        thingGroupName: group.name,
        thingGroupArn: group.arn,
        thingGroupId: group.name,
        version: 1,
        thingGroupProperties: { thingGroupDescription: group.description },
        thingGroupMetadata: { parentGroupName: group.parent, creationDate: new Date(group.createdAtMs) },
      };
    }),
    on(api.DeleteThingGroup$, (input: api.DeleteThingGroupRequest) => {
      if (registry.groups.has(input.thingGroupName ?? '')) checkVersion(input.expectedVersion, 1);
      registry.deleteGroup(input.thingGroupName ?? '');
      return {};
    }),
    on(api.ListThingGroups$, (input: api.ListThingGroupsRequest) => {
      const all = [...registry.groups.values()]
        .filter((group) => group.name.startsWith(input.namePrefixFilter ?? ''))
        .filter((group) => input.parentGroup === undefined || group.parent === input.parentGroup);
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken, 25);
      return {
        thingGroups: items.map((group) => ({ groupName: group.name, groupArn: group.arn })),
        nextToken,
      };
    }),
  ];
}

function membershipOperations(registry: ThingRegistry): BoundOperation[] {
  const names = (input: api.AddThingToThingGroupRequest) => ({
    group: input.thingGroupName ?? input.thingGroupArn?.split('/')[1] ?? '',
    thing: input.thingName ?? input.thingArn?.split('/')[1] ?? '',
  });
  return [
    on(api.AddThingToThingGroup$, (input: api.AddThingToThingGroupRequest) => {
      const { group, thing } = names(input);
      if (group === '' || thing === '') throw invalid(SERVICE, 'thingGroupName and thingName are required');
      registry.join(group, thing);
      return {};
    }),
    on(api.RemoveThingFromThingGroup$, (input: api.RemoveThingFromThingGroupRequest) => {
      const { group, thing } = names(input);
      registry.leave(group, thing);
      return {};
    }),
    on(api.ListThingsInThingGroup$, (input: api.ListThingsInThingGroupRequest) => {
      const group = registry.group(input.thingGroupName ?? '');
      const all = input.recursive === true ? registry.members(group) : group.things;
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken, 25);
      return { things: [...items], nextToken };
    }),
    on(api.ListThingGroupsForThing$, (input: api.ListThingGroupsForThingRequest) => {
      const thing = registry.thing(input.thingName ?? '');
      const { items, nextToken } = page(SERVICE, [...thing.groups], input.maxResults, input.nextToken, 25);
      return {
        thingGroups: items.map((name) => ({ groupName: name, groupArn: registry.group(name).arn })),
        nextToken,
      };
    }),
  ];
}

function tagOperations(tags: Tags): BoundOperation[] {
  return [
    on(api.TagResource$, (input: api.TagResourceRequest) => {
      tags.set(input.resourceArn ?? '', tagRecord(input.tags));
      return {};
    }),
    on(api.UntagResource$, (input: api.UntagResourceRequest) => {
      tags.remove(input.resourceArn ?? '', input.tagKeys ?? []);
      return {};
    }),
    on(api.ListTagsForResource$, (input: api.ListTagsForResourceRequest) => ({
      tags: Object.entries(tags.of(input.resourceArn ?? '')).map(([Key, Value]) => ({ Key, Value })),
    })),
  ];
}

function tagRecord(tags: api.Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}
