import type { IoT, ThingDocument } from '@aws-sdk/client-iot';
import type { IoTDataPlane } from '@aws-sdk/client-iot-data-plane';
import { isJsonObject, type JsonObject } from '../../src/core/mod.js';
import { searchThings } from './aws-index.js';
import { doing, orMissing } from './aws-things.js';
import type { FleetRegistry, GroupRecord, IndexedDevice, RoleAliasRecord } from './fleet-registry.js';

/** Fleets and devices: groups as a whole, role aliases, and what the index knows of a device. */
export class AwsRegistry implements FleetRegistry {
  readonly #iot: IoT;
  readonly #data: IoTDataPlane;

  constructor(iot: IoT, data: IoTDataPlane) {
    this.#iot = iot;
    this.#data = data;
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
    return doing('Cannot list the thing groups', async () => {
      const groups: { name: string; arn: string }[] = [];
      let nextToken: string | undefined;
      do {
        const found = await this.#iot.listThingGroups({
          ...(prefix === '' ? {} : { namePrefixFilter: prefix }),
          maxResults: 250,
          nextToken,
        });
        groups.push(
          ...(found.thingGroups ?? []).map(({ groupName = '', groupArn = '' }) => ({
            name: groupName,
            arn: groupArn,
          })),
        );
        nextToken = found.nextToken;
      } while (nextToken !== undefined);
      return groups;
    });
  }

  async deleteThing(name: string): Promise<void> {
    await doing(`Cannot delete the thing ${name}`, () => this.#iot.deleteThing({ thingName: name }));
  }

  async roleAlias(name: string): Promise<RoleAliasRecord | undefined> {
    return orMissing(`Cannot read the role alias ${name}`, async () => {
      const { roleAliasDescription: found } = await this.#iot.describeRoleAlias({ roleAlias: name });
      return { arn: found?.roleAliasArn ?? '', roleArn: found?.roleArn ?? '' };
    });
  }

  async report(thing: string, shadow: string, reported: JsonObject): Promise<void> {
    await doing(
      `Cannot write the shadow ${shadow} of ${thing}`,
      () =>
        this.#data.updateThingShadow({
          thingName: thing,
          shadowName: shadow,
          payload: Buffer.from(JSON.stringify({ state: { reported } })),
        }),
      'iot:UpdateThingShadow',
    );
  }

  async indexedDevices(query: string, limit: number): Promise<readonly IndexedDevice[]> {
    return (await searchThings(this.#iot, query, limit)).map(readDevice);
  }
}

function readDevice(document: ThingDocument): IndexedDevice {
  return {
    thing: document.thingName ?? '',
    connected: document.connectivity?.connected ?? false,
    connectivityAtMs: document.connectivity?.timestamp,
    groups: document.thingGroupNames ?? [],
    shadows: readShadows(document.shadow ?? '{}'),
  };
}

/** The index gives all shadows of a thing as one JSON text. */
function readShadows(text: string): Readonly<Record<string, JsonObject>> {
  const parsed = JSON.parse(text) as unknown;
  const named = isJsonObject(parsed) && isJsonObject(parsed['name']) ? parsed['name'] : {};
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, shadow]) =>
      isJsonObject(shadow) && isJsonObject(shadow['reported']) ? [[name, shadow['reported']]] : [],
    ),
  );
}
