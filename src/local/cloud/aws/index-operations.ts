import * as api from '@aws-sdk/client-iot';
import { on } from './bind.js';
import { AwsError, invalid } from './errors.js';
import type { FleetIndex } from './fleet-index.js';
import type { BoundOperation } from './http.js';
import { page } from './page.js';

/** Fleet indexing: search, aggregation and its configuration, which decides what may be aggregated. */
export function indexOperations(index: FleetIndex): BoundOperation[] {
  const configuration: { current: api.ThingIndexingConfiguration } = {
    current: { thingIndexingMode: 'OFF' },
  };
  return [
    ...searchOperations(index, configuration),
    ...aggregations(index, configuration),
    ...configurationOperations(configuration),
  ];
}

interface Holder {
  current: api.ThingIndexingConfiguration;
}

const MANAGED = ['thingName', 'thingGroupNames', 'connectivity.connected', 'connectivity.timestamp'];

function checkOn({ current }: Holder): void {
  if (current.thingIndexingMode === 'OFF') {
    throw new AwsError('IndexNotReadyException', 400, 'Index AWS_Things is not ready: thing indexing is off');
  }
}

function checkField(holder: Holder, field: string | undefined): string {
  checkOn(holder);
  const known = [...MANAGED, ...(holder.current.customFields ?? []).map((custom) => custom.name)];
  if (field === undefined || !known.includes(field)) {
    throw new AwsError(
      'InvalidAggregationException',
      400,
      `The field ${field} is no managed or custom field of the index`,
    );
  }
  return field;
}

function searchOperations(index: FleetIndex, holder: Holder): BoundOperation[] {
  return [
    on(api.SearchIndex$, (input: api.SearchIndexRequest) => {
      checkOn(holder);
      const { items, nextToken } = page(
        'iot',
        index.search(input.queryString ?? ''),
        input.maxResults,
        input.nextToken,
      );
      return { things: items.map((thing) => index.document(thing)), nextToken };
    }),
    on(api.DescribeIndex$, (input: api.DescribeIndexRequest) => {
      if (input.indexName !== 'AWS_Things') throw invalid('iot', 'indexName must be AWS_Things');
      return {
        indexName: 'AWS_Things',
        indexStatus: 'ACTIVE' as const,
        schema: 'REGISTRY_AND_SHADOW_AND_CONNECTIVITY_STATUS',
      };
    }),
  ];
}

function aggregations(index: FleetIndex, holder: Holder): BoundOperation[] {
  return [
    on(api.GetStatistics$, (input: api.GetStatisticsRequest) => {
      const values = index.values(
        input.queryString ?? '',
        checkField(holder, input.aggregationField ?? 'thingName'),
      );
      const numbers = values.filter((value) => typeof value === 'number');
      const sum = numbers.reduce((total, value) => total + value, 0);
      if (numbers.length === 0) return { statistics: { count: values.length } };
      return {
        statistics: {
          count: values.length,
          sum,
          average: sum / numbers.length,
          minimum: numbers.reduce((low, value) => Math.min(low, value)),
          maximum: numbers.reduce((high, value) => Math.max(high, value)),
        },
      };
    }),
    on(api.GetPercentiles$, (input: api.GetPercentilesRequest) => {
      const values = index.values(input.queryString ?? '', checkField(holder, input.aggregationField));
      const sorted = values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
      const percents = input.percents ?? [1, 5, 25, 50, 75, 95, 99];
      if (sorted.length === 0) return { percentiles: [] };
      return {
        percentiles: percents.map((percent) => ({
          percent,
          value: sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))],
        })),
      };
    }),
    on(api.GetCardinality$, (input: api.GetCardinalityRequest) => ({
      cardinality: new Set(index.values(input.queryString ?? '', checkField(holder, input.aggregationField)))
        .size,
    })),
    on(api.GetBucketsAggregation$, (input: api.GetBucketsAggregationRequest) => {
      const max = input.bucketsAggregationType?.termsAggregation?.maxBuckets ?? 10;
      if (max < 1 || max > 10_000) throw invalid('iot', 'maxBuckets must be between 1 and 10000');
      const { total, buckets } = index.buckets(
        input.queryString ?? '',
        checkField(holder, input.aggregationField),
        max,
      );
      return { totalCount: total, buckets };
    }),
  ];
}

function configurationOperations(holder: Holder): BoundOperation[] {
  return [
    on(api.GetIndexingConfiguration$, (_input: api.GetIndexingConfigurationRequest) => ({
      thingIndexingConfiguration: holder.current,
    })),
    on(api.UpdateIndexingConfiguration$, (input: api.UpdateIndexingConfigurationRequest) => {
      if (input.thingIndexingConfiguration !== undefined) holder.current = input.thingIndexingConfiguration;
      return {};
    }),
  ];
}
