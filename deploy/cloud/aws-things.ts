import type { IoT } from '@aws-sdk/client-iot';
import { fromAws, isMissing } from './aws-errors.js';

/** Things and thing groups. */
export class AwsThings {
  readonly #iot: IoT;

  constructor(iot: IoT) {
    this.#iot = iot;
  }

  async groupArn(name: string): Promise<string | undefined> {
    return orMissing(`Cannot read the thing group ${name}`, async () => {
      const found = await this.#iot.describeThingGroup({ thingGroupName: name });
      return found.thingGroupArn;
    });
  }

  async createGroup(
    name: string,
    description: string,
    tags: Readonly<Record<string, string>>,
  ): Promise<string> {
    return doing(`Cannot create the thing group ${name}`, async () => {
      const made = await this.#iot.createThingGroup({
        thingGroupName: name,
        thingGroupProperties: { thingGroupDescription: description },
        tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      });
      return made.thingGroupArn ?? '';
    });
  }

  async tagGroup(arn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await doing(`Cannot tag ${arn}`, () =>
      this.#iot.tagResource({
        resourceArn: arn,
        tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      }),
    );
  }

  async groupTags(arn: string): Promise<Readonly<Record<string, string>>> {
    return doing(`Cannot read the tags of ${arn}`, async () => {
      const { tags = [] } = await this.#iot.listTagsForResource({ resourceArn: arn });
      return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
    });
  }

  async thingsIn(group: string): Promise<readonly string[]> {
    return doing(`Cannot list the things of the thing group ${group}`, async () => {
      const names: string[] = [];
      let nextToken: string | undefined;
      do {
        const found = await this.#iot.listThingsInThingGroup({
          thingGroupName: group,
          recursive: true,
          maxResults: 250,
          nextToken,
        });
        names.push(...(found.things ?? []));
        nextToken = found.nextToken;
      } while (nextToken !== undefined);
      return names;
    });
  }

  async groupsOf(thing: string): Promise<readonly string[]> {
    return doing(`Cannot list the thing groups of ${thing}`, async () => {
      const { thingGroups = [] } = await this.#iot.listThingGroupsForThing({
        thingName: thing,
        maxResults: 25,
      });
      return thingGroups.map((group) => group.groupName ?? '');
    });
  }

  async join(group: string, thing: string): Promise<void> {
    await doing(`Cannot put ${thing} into the thing group ${group}`, () =>
      this.#iot.addThingToThingGroup({ thingGroupName: group, thingName: thing }),
    );
  }

  async leave(group: string, thing: string): Promise<void> {
    await doing(`Cannot take ${thing} out of the thing group ${group}`, () =>
      this.#iot.removeThingFromThingGroup({ thingGroupName: group, thingName: thing }),
    );
  }

  async thing(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    return orMissing(
      `Cannot read the thing ${name}`,
      async () => (await this.#iot.describeThing({ thingName: name })).attributes ?? {},
    );
  }

  async createThing(name: string, attributes: Readonly<Record<string, string>>): Promise<void> {
    await doing(`Cannot create the thing ${name}`, () =>
      this.#iot.createThing({ thingName: name, attributePayload: { attributes: { ...attributes } } }),
    );
  }

  async setAttributes(name: string, attributes: Readonly<Record<string, string>>): Promise<void> {
    await doing(`Cannot change the attributes of ${name}`, () =>
      this.#iot.updateThing({
        thingName: name,
        attributePayload: { attributes: { ...attributes }, merge: true },
      }),
    );
  }
}

/** @param needed the permission, where the service's refusal does not name it */
export async function doing<T>(action: string, call: () => Promise<T>, needed?: string): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromAws(action, error, needed);
  }
}

export async function orMissing<T>(
  action: string,
  call: () => Promise<T>,
  needed?: string,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fromAws(action, error, needed);
  }
}
