import { partitionOf } from '../../../core/mod.js';
import type { Need } from '../iam/mod.js';
import { OPERATIONS, type OperationName } from './operation-table.js';

/** Where the buckets are, and whose the keys are that objects are encrypted with. */
export interface S3Place {
  readonly region: string;
  readonly accountId: string;
}

/** What of a request its rights depend on. */
export interface NeedsRequest {
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Lower-case condition keys by the parameter or header that holds their value. */
const CONTEXT_BY_PARAMETER = { prefix: 's3:prefix', delimiter: 's3:delimiter', 'max-keys': 's3:max-keys' };
const CONTEXT_BY_HEADER = {
  'x-amz-server-side-encryption': 's3:x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id': 's3:x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-storage-class': 's3:x-amz-storage-class',
  'x-amz-acl': 's3:x-amz-acl',
  'x-amz-copy-source': 's3:x-amz-copy-source',
  'if-match': 's3:if-match',
  'if-none-match': 's3:if-none-match',
};
/** Parts of an upload are encrypted one by one, and read again when they become one object. */
const KEY_ACTIONS: Readonly<Partial<Record<OperationName, readonly string[]>>> = {
  PutObject: ['kms:GenerateDataKey'],
  CopyObject: ['kms:GenerateDataKey'],
  CreateMultipartUpload: ['kms:GenerateDataKey', 'kms:Decrypt'],
};

/** @param key absent: the bucket's own */
export function s3Arn({ region }: S3Place, bucket: string, key = ''): string {
  return `arn:${partitionOf(region).name}:s3:::${bucket}${key === '' ? '' : `/${key}`}`;
}

/**
 * The rights that a request takes before it is carried out, as S3's documentation has them. The source of a copy and
 * the keys of DeleteObjects are asked for when they are known.
 */
export function needsOf(operation: OperationName, request: NeedsRequest, place: S3Place): readonly Need[] {
  if (operation === 'DeleteObjects') return [];
  const { action, target } = OPERATIONS[operation];
  const resource = target === 'service' ? '*' : s3Arn(place, request.bucket, request.key);
  const context = contextOf(request);
  const actions = [action, ...actionsByHeader(action, request.headers)];
  return [
    ...actions.map((one) => ({ action: one, resource, context })),
    ...keyNeeds(KEY_ACTIONS[operation] ?? [], request.headers, place),
  ];
}

function actionsByHeader(action: string, headers: NeedsRequest['headers']): string[] {
  const more: string[] = [];
  if (action === 's3:PutObject' && 'x-amz-tagging' in headers) more.push('s3:PutObjectTagging');
  // Whether an ETag matches tells what lies there.
  if (['s3:PutObject', 's3:DeleteObject'].includes(action) && (headers['if-match'] ?? '*') !== '*')
    more.push('s3:GetObject');
  return more;
}

function contextOf({ query, headers }: NeedsRequest): Record<string, string> {
  const context: Record<string, string> = {};
  for (const [name, key] of Object.entries(CONTEXT_BY_PARAMETER)) {
    const value = query.get(name);
    if (value !== null) context[key] = value;
  }
  for (const [name, key] of Object.entries(CONTEXT_BY_HEADER)) {
    const value = headers[name];
    if (value !== undefined) context[key] = value;
  }
  return context;
}

/** On the key that the request names for its object. S3 asks KMS in the caller's name, and says that it is S3. */
function keyNeeds(
  actions: readonly string[],
  headers: NeedsRequest['headers'],
  { region, accountId }: S3Place,
): readonly Need[] {
  const given = headers['x-amz-server-side-encryption-aws-kms-key-id'];
  if (given === undefined) return [];
  const { name: partition, dnsSuffix } = partitionOf(region);
  const alias = /(?:^|:)(alias\/.+)$/.exec(given)?.[1];
  const keys = `arn:${partition}:kms:${region}:${accountId}:key/`;
  // No key service stands behind the alias: which key it is does not matter, as policies name the alias.
  const resource =
    alias !== undefined ? `${keys}behind-an-alias` : given.startsWith('arn:') ? given : `${keys}${given}`;
  const context = {
    'kms:viaservice': `s3.${region}.${dnsSuffix}`,
    ...(alias === undefined ? {} : { 'kms:resourcealiases': [alias] }),
  };
  return actions.map((action) => ({ action, resource, context }));
}
