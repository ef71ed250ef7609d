import type { IoT } from '@aws-sdk/client-iot';
import { doing, orMissing, paged } from '../aws/mod.js';
import type { GroupRecord, ThingGroups } from './thing-groups.js';

export class AwsThingGroups implements ThingGroups {
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
    const at = { thingGroupName: group, recursive: true, maxResults: 250 };
    return doing(`Cannot list the things of the thing group ${group}`, () =>
      paged(
        (nextToken) => this.#iot.listThingsInThingGroup({ ...at, nextToken }),
        ({ things = [] }) => things,
      ),
    );
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

  async group(name: string): Promise<GroupRecord | undefined> {
    return orMissing(`Cannot read the thing group ${name}`, async () => {
      const found = await this.#iot.describeThingGroup({ thingGroupName: name });
      return {
        name,
        arn: found.thingGroupArn ?? '',
        description: found.thingGroupProperties?.thingGroupDescription ?? '',
        createdAtMs: found.thingGroupMetadata?.creationDate?.getTime(),
      };
    });
  }

  async groups(prefix: string): Promise<readonly { name: string; arn: string }[]> {
    const filter = prefix === '' ? {} : { namePrefixFilter: prefix };
    return doing('Cannot list the thing groups', () =>
      paged(
        (nextToken) => this.#iot.listThingGroups({ ...filter, maxResults: 250, nextToken }),
        ({ thingGroups = [] }) =>
          thingGroups.map(({ groupName = '', groupArn = '' }) => ({ name: groupName, arn: groupArn })),
      ),
    );
  }
}
