/** Which service an operation belongs to: each has error names of its own. */
export type ServiceName = keyof typeof SERVICES;

interface Service {
  /** In the credential scope of a signature. */
  readonly signingName: string;
  /** Of IAM's actions. */
  readonly iamPrefix: string;
  /**
   * `query`: forms and XML; its refusals have names without `Exception`. `target`: JSON, all operations posted to `/`,
   * named by a header.
   */
  readonly protocol: 'json' | 'query' | 'target';
  /** Before the operation's name in the header of protocol `target`. */
  readonly target?: string;
  /** What it says where its own model names no error for a missing right. */
  readonly denied: readonly [name: string, status: number];
  /** Operations whose model does name one: UnauthorizedException. */
  readonly ofModel?: readonly string[];
  readonly throttled: number;
}

/**
 * What the local cloud knows of each of its services: one entry here, one table of operations (`on`), one of the rights
 * that they take, and a service answers, signatures and policies checked. Keys are the service model's names.
 */
export const SERVICES = {
  greengrassv2: {
    signingName: 'greengrass',
    iamPrefix: 'greengrass',
    protocol: 'json',
    denied: ['AccessDeniedException', 403],
    throttled: 429,
  },
  iot: {
    signingName: 'iot',
    iamPrefix: 'iot',
    protocol: 'json',
    denied: ['AccessDeniedException', 403],
    ofModel: [
      'CreateThing',
      'DescribeThing',
      'UpdateThing',
      'DeleteThing',
      'ListThings',
      'CreateRoleAlias',
      'DescribeRoleAlias',
      'SearchIndex',
      'DescribeIndex',
      'GetStatistics',
      'GetPercentiles',
      'GetCardinality',
      'GetBucketsAggregation',
      'GetIndexingConfiguration',
      'UpdateIndexingConfiguration',
      'DescribeEndpoint',
    ],
    throttled: 400,
  },
  iotdataplane: {
    signingName: 'iotdata',
    iamPrefix: 'iot',
    protocol: 'json',
    denied: ['ForbiddenException', 403],
    throttled: 429,
  },
  sts: {
    signingName: 'sts',
    iamPrefix: 'sts',
    protocol: 'query',
    denied: ['AccessDenied', 403],
    throttled: 400,
  },
  kms: {
    signingName: 'kms',
    iamPrefix: 'kms',
    protocol: 'target',
    target: 'TrentService',
    denied: ['AccessDeniedException', 400],
    throttled: 400,
  },
} as const satisfies Record<string, Service>;

export function serviceOf(name: ServiceName): Service {
  return SERVICES[name];
}
