import type { IoT, ThingDocument } from '@aws-sdk/client-iot';
import { isJsonObject, type JsonObject } from '../../../src/core/mod.js';
import { doing, paged } from '../aws/mod.js';
import type { FleetIndex, IndexedDevice, IndexedThing } from './fleet-index.js';

export class AwsFleetIndex implements FleetIndex {
  readonly #iot: IoT;

  constructor(iot: IoT) {
    this.#iot = iot;
  }

  async indexedFields(): Promise<readonly string[] | undefined> {
    return doing('Cannot read the indexing configuration', async () => {
      const { thingIndexingConfiguration: now } = await this.#iot.getIndexingConfiguration({});
      if (now === undefined || now.thingIndexingMode === 'OFF') return undefined;
      return (now.customFields ?? []).map((field) => field.name ?? '');
    });
  }

  async indexFields(
    fields: readonly { readonly name: string; readonly type: 'String' | 'Number' }[],
    shadow: string,
  ): Promise<void> {
    await doing('Cannot configure fleet indexing', async () => {
      const { thingIndexingConfiguration: now } = await this.#iot.getIndexingConfiguration({});
      const former = now?.customFields ?? [];
      const added = fields.filter(({ name }) => !former.some((field) => field.name === name));
      const shadows = new Set([...(now?.filter?.namedShadowNames ?? []), shadow]);
      await this.#iot.updateIndexingConfiguration({
        thingIndexingConfiguration: {
          thingIndexingMode:
            now?.thingIndexingMode === 'REGISTRY_AND_SHADOW' ? 'REGISTRY_AND_SHADOW' : 'REGISTRY',
          thingConnectivityIndexingMode: 'STATUS',
          deviceDefenderIndexingMode: now?.deviceDefenderIndexingMode ?? 'OFF',
          namedShadowIndexingMode: 'ON',
          customFields: [...former, ...added],
          filter: { ...now?.filter, namedShadowNames: [...shadows] },
        },
      });
    });
  }

  async count(query: string): Promise<number> {
    return doing('Cannot count devices', async () => {
      const { statistics } = await this.#iot.getStatistics({ queryString: query });
      return statistics?.count ?? 0;
    });
  }

  async sum(query: string, field: string): Promise<number | undefined> {
    return doing(`Cannot aggregate ${field}`, async () => {
      const { statistics } = await this.#iot.getStatistics({ queryString: query, aggregationField: field });
      return statistics?.sum;
    });
  }

  async buckets(
    query: string,
    field: string,
    max: number,
  ): Promise<readonly { key: string; count: number }[]> {
    return doing(`Cannot aggregate ${field}`, async () => {
      const { buckets = [] } = await this.#iot.getBucketsAggregation({
        queryString: query,
        aggregationField: field,
        bucketsAggregationType: { termsAggregation: { maxBuckets: max } },
      });
      return buckets.map(({ keyValue = '', count = 0 }) => ({ key: keyValue, count }));
    });
  }

  async percentiles(
    query: string,
    field: string,
    percents: readonly number[],
  ): Promise<readonly { percent: number; value: number }[]> {
    return doing(`Cannot aggregate ${field}`, async () => {
      const { percentiles = [] } = await this.#iot.getPercentiles({
        queryString: query,
        aggregationField: field,
        percents: [...percents],
      });
      return percentiles.map(({ percent = 0, value = 0 }) => ({ percent, value }));
    });
  }

  async search(query: string, limit: number): Promise<readonly IndexedThing[]> {
    return (await searchThings(this.#iot, query, limit)).map(readThing);
  }

  async indexedDevices(query: string, limit: number): Promise<readonly IndexedDevice[]> {
    return (await searchThings(this.#iot, query, limit)).map(readDevice);
  }
}

/** Things that match, in pages, at most `limit`. */
async function searchThings(iot: IoT, query: string, limit: number): Promise<readonly ThingDocument[]> {
  const maxResults = Math.min(100, limit);
  return doing('Cannot search the fleet index', () =>
    paged(
      (nextToken) => iot.searchIndex({ queryString: query, maxResults, nextToken }),
      ({ things = [] }) => things,
      limit,
    ),
  );
}

function readThing(document: ThingDocument): IndexedThing {
  return {
    name: document.thingName ?? '',
    connected: document.connectivity?.connected ?? false,
    attributes: document.attributes ?? {},
  };
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
