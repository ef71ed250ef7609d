import { partitionOf } from '../../../core/mod.js';
import type { Need } from '../iam/mod.js';
import type { S3Call } from './call.js';
import type { Operation } from './operations.js';

/** Where the buckets are, and whose the keys are that objects are encrypted with. */
export interface S3Place {
  readonly region: string;
  readonly accountId: string;
}

type Make = (call: S3Call, place: S3Place) => readonly Need[];

const onBucket =
  (action: string): Make =>
  ({ bucket }, { region }) => [{ action: `s3:${action}`, resource: bucketArn(bucket, region) }];
const onObject =
  (action: string): Make =>
  ({ bucket, key }, { region }) => [
    { action: `s3:${action}`, resource: `${bucketArn(bucket, region)}/${key}` },
  ];
/** Parts of an upload are encrypted one by one, and read again when they become one object. */
const encrypting =
  (actions: readonly string[], make: Make): Make =>
  (call, place) => [...make(call, place), ...keyNeeds(actions, call, place)];

/** The rights that each operation takes, as S3's documentation has them. */
const NEEDS: Readonly<Record<Operation, Make>> = {
  PutObject: encrypting(['kms:GenerateDataKey'], onObject('PutObject')),
  GetObject: onObject('GetObject'),
  HeadObject: onObject('GetObject'),
  DeleteObject: onObject('DeleteObject'),
  CreateBucket: onBucket('CreateBucket'),
  HeadBucket: onBucket('ListBucket'),
  GetBucketLocation: onBucket('GetBucketLocation'),
  ListObjectsV2: onBucket('ListBucket'),
  ListBuckets: () => [{ action: 's3:ListAllMyBuckets', resource: '*' }],
  CreateMultipartUpload: encrypting(['kms:GenerateDataKey', 'kms:Decrypt'], onObject('PutObject')),
  UploadPart: onObject('PutObject'),
  CompleteMultipartUpload: onObject('PutObject'),
  AbortMultipartUpload: onObject('AbortMultipartUpload'),
};

export function needsOf(operation: Operation, call: S3Call, place: S3Place): readonly Need[] {
  return NEEDS[operation](call, place);
}

/** Whoever may not list a bucket is not told that an object is absent. */
export function needsToMiss(call: S3Call, place: S3Place): readonly Need[] {
  return onBucket('ListBucket')(call, place);
}

function bucketArn(bucket: string, region: string): string {
  return `arn:${partitionOf(region).name}:s3:::${bucket}`;
}

/** On the key that the request names for its object. S3 asks KMS in the caller's name, and says that it is S3. */
function keyNeeds(
  actions: readonly string[],
  { request }: S3Call,
  { region, accountId }: S3Place,
): readonly Need[] {
  const given = request.headers['x-amz-server-side-encryption-aws-kms-key-id'];
  if (typeof given !== 'string') return [];
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
