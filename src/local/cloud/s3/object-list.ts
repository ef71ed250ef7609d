import { xmlAnswer, type OperationContext, type S3Answer, type S3Call } from './call.js';
import { typeOfChecksum } from './checksums.js';
import { s3Errors } from './errors.js';
import { pageOf, type Page } from './list-page.js';
import { encoderOf, pageSizeOf, readToken, tokenOf } from './list-parameters.js';
import { ownerOf } from './owner.js';
import type { StoredObject } from './stored-object.js';
import { s3Document, type XmlFields } from './xml.js';

const MAX_KEYS = 1000;

interface Listed {
  readonly page: Page<StoredObject>;
  /** What both versions say in the same words. */
  readonly common: XmlFields;
  readonly maxKeys: number;
  readonly encode: (name: string) => string;
}

export function listObjects(call: S3Call, context: OperationContext): S3Answer {
  const { query } = call;
  const marker = query.get('marker') ?? '';
  const { page, common, encode } = list(call, context, marker);
  const delimiter = query.get('delimiter') ?? '';
  return xmlAnswer(
    s3Document('ListBucketResult', {
      ...common,
      Marker: encode(marker),
      // Without a delimiter clients go on from the last key.
      NextMarker: page.next === undefined || delimiter === '' ? undefined : encode(page.next),
      ...found(page, encode, ownerOf(context.accountId)),
    }),
  );
}

export function listObjectsV2(call: S3Call, context: OperationContext): S3Answer {
  const { query } = call;
  if (query.get('list-type') !== '2') throw s3Errors.invalidArgument('Invalid list type');
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token');
  const { page, common, encode } = list(call, context, token === null ? startAfter : readToken(token));
  const fetchOwner = query.get('fetch-owner') ?? 'false';
  if (!['true', 'false'].includes(fetchOwner))
    throw s3Errors.invalidArgument('fetch-owner must be true or false');
  return xmlAnswer(
    s3Document('ListBucketResult', {
      ...common,
      KeyCount: page.items.length + page.commonPrefixes.length,
      StartAfter: startAfter === '' ? undefined : encode(startAfter),
      ContinuationToken: token ?? undefined,
      NextContinuationToken: page.next === undefined ? undefined : tokenOf(page.next),
      ...found(page, encode, fetchOwner === 'true' ? ownerOf(context.accountId) : undefined),
    }),
  );
}

function list({ bucket, query, headers }: S3Call, { store }: OperationContext, after: string): Listed {
  const wanted = headers['x-amz-optional-object-attributes'] ?? 'RestoreStatus';
  if (wanted !== 'RestoreStatus') throw s3Errors.invalidArgument('Invalid attribute name specified');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = pageSizeOf(query, 'max-keys', MAX_KEYS);
  const { type, encode } = encoderOf(query);
  const page = pageOf(store.list(bucket), { prefix, delimiter, after, maxKeys });
  const common = {
    Name: bucket,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    MaxKeys: maxKeys,
    EncodingType: type,
    IsTruncated: page.next !== undefined,
  };
  return { page, common, maxKeys, encode };
}

function found(
  page: Page<StoredObject>,
  encode: (name: string) => string,
  owner: XmlFields | undefined,
): XmlFields {
  return {
    Contents: page.items.map((object) => ({
      Key: encode(object.key),
      LastModified: new Date(object.lastModifiedMs).toISOString(),
      ETag: `"${object.etag}"`,
      ChecksumAlgorithm: Object.keys(object.checksums).map((name) => name.toUpperCase()),
      ChecksumType: Object.values(object.checksums).slice(0, 1).map(typeOfChecksum),
      Size: object.sizeBytes,
      Owner: owner,
      StorageClass: object.headers['x-amz-storage-class'] ?? 'STANDARD',
    })),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  };
}
