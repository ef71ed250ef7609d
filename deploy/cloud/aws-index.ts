import type { IoT, ThingDocument } from '@aws-sdk/client-iot';
import type { IoTDataPlane } from '@aws-sdk/client-iot-data-plane';
import { isJsonObject, type JsonObject } from '../../src/core/mod.js';
import { doing, orMissing } from './aws-things.js';
import type { IndexedThing } from './fleet-cloud.js';

/** Fleet indexing and shadows. */
export class AwsIndex {
  readonly #iot: IoT;
  readonly #data: IoTDataPlane;

  constructor(iot: IoT, data: IoTDataPlane) {
    this.#iot = iot;
    this.#data = data;
  }

  /** Custom fields of the thing index; undefined while indexing is off. */
  async indexedFields(): Promise<readonly string[] | undefined> {
    return doing('Cannot read the indexing configuration', async () => {
      const { thingIndexingConfiguration: now } = await this.#iot.getIndexingConfiguration({});
      if (now === undefined || now.thingIndexingMode === 'OFF') return undefined;
      return (now.customFields ?? []).map((field) => field.name ?? '');
    });
  }

  /** Adds to what the account indexes already: nothing of others is taken away. */
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

  async reported(thing: string, shadow: string): Promise<JsonObject | undefined> {
    return orMissing(
      `Cannot read the shadow ${shadow} of ${thing}`,
      async () => {
        const { payload } = await this.#data.getThingShadow({ thingName: thing, shadowName: shadow });
        const document = JSON.parse(Buffer.from(payload ?? new Uint8Array()).toString()) as unknown;
        const state = isJsonObject(document) ? document['state'] : undefined;
        const reported = isJsonObject(state) ? state['reported'] : undefined;
        return isJsonObject(reported) ? reported : {};
      },
      'iot:GetThingShadow',
    );
  }
}

/** Things that match, in pages, at most `limit`. */
export async function searchThings(
  iot: IoT,
  query: string,
  limit: number,
): Promise<readonly ThingDocument[]> {
  return doing('Cannot search the fleet index', async () => {
    const things: ThingDocument[] = [];
    let nextToken: string | undefined;
    do {
      const found = await iot.searchIndex({
        queryString: query,
        maxResults: Math.min(100, limit),
        nextToken,
      });
      things.push(...(found.things ?? []));
      nextToken = found.nextToken;
    } while (nextToken !== undefined && things.length < limit);
    return things.slice(0, limit);
  });
}

function readThing(document: ThingDocument): IndexedThing {
  return {
    name: document.thingName ?? '',
    connected: document.connectivity?.connected ?? false,
    attributes: document.attributes ?? {},
  };
}
