import { receiveText } from './body.js';
import { xmlAnswer, type OperationContext, type S3Answer, type S3Call } from './call.js';
import { s3Errors } from './errors.js';
import { compareKeys } from './key-order.js';
import { pageSizeOf, readToken, tokenOf } from './list-parameters.js';
import { ownerOf } from './owner.js';
import { allowChildren, childText, parseXml } from './request-xml.js';
import { s3Document } from './xml.js';

const MAX_BUCKETS = 10_000;
const REGION = /^[a-z]{2,}(-[a-z]+)+-\d+$|^EU$/;

export function listBuckets({ query }: S3Call, { store, region, accountId }: OperationContext): S3Answer {
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? '' : readToken(token);
  const most = pageSizeOf(query, 'max-buckets', MAX_BUCKETS, 1);
  const elsewhere = (query.get('bucket-region') ?? region) !== region;
  const left = store
    .buckets()
    .filter(({ name }) => !elsewhere && name.startsWith(prefix) && compareKeys(name, after) > 0);
  const page = left.slice(0, most);
  const last = left.length > most ? page.at(-1) : undefined;
  return xmlAnswer(
    s3Document('ListAllMyBucketsResult', {
      Owner: ownerOf(accountId),
      Buckets: {
        Bucket: page.map(({ name, createdMs }) => ({
          Name: name,
          CreationDate: new Date(createdMs).toISOString(),
          BucketRegion: region,
        })),
      },
      Prefix: prefix === '' ? undefined : prefix,
      ContinuationToken: last === undefined ? undefined : tokenOf(last.name),
    }),
  );
}

export async function createBucket(
  call: S3Call,
  { store, clock, region }: OperationContext,
): Promise<S3Answer> {
  checkLocation(await locationOf(call, store.incoming(), clock), region);
  // S3's first region answers as if it had made it: scripts of its early days count on that.
  if (region !== 'us-east-1' || !store.hasBucket(call.bucket)) await store.createBucket(call.bucket);
  return { status: 200, headers: { location: `/${call.bucket}` } };
}

async function locationOf(
  call: S3Call,
  file: string,
  clock: OperationContext['clock'],
): Promise<string | undefined> {
  const text = Number(call.headers['content-length'] ?? 0) > 0 ? await receiveText(call, file, clock) : '';
  if (text.trim() === '') return undefined;
  const root = parseXml(text, 'CreateBucketConfiguration');
  allowChildren(root, ['LocationConstraint', 'Location', 'Bucket', 'Tags']);
  for (const name of ['Location', 'Bucket', 'Tags'])
    if (childText(root, name) !== undefined) throw s3Errors.notImplemented(`${name} of a new bucket`);
  return childText(root, 'LocationConstraint');
}

function checkLocation(wanted: string | undefined, region: string): void {
  if (wanted !== undefined && (!REGION.test(wanted) || wanted === 'us-east-1'))
    throw s3Errors.invalidLocation();
  const meant = wanted ?? 'us-east-1';
  if (meant === region) return;
  // That region's endpoint makes buckets everywhere, all others in their own only. This server is one region.
  if (region === 'us-east-1') throw s3Errors.notImplemented(`buckets in ${meant}`);
  throw s3Errors.illegalLocation(wanted ?? 'unspecified');
}

export function headBucket({ bucket }: S3Call, { store, region }: OperationContext): S3Answer {
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket(bucket);
  return {
    status: 200,
    headers: {
      'content-type': 'application/xml',
      'x-amz-bucket-region': region,
      'x-amz-access-point-alias': 'false',
    },
  };
}

/** us-east-1 is the empty string, as at S3. */
export function getBucketLocation({ bucket }: S3Call, { store, region }: OperationContext): S3Answer {
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket(bucket);
  return xmlAnswer(s3Document('LocationConstraint', region === 'us-east-1' ? '' : region));
}

export async function deleteBucket(
  { bucket }: S3Call,
  { store, uploads }: OperationContext,
): Promise<S3Answer> {
  await store.deleteBucket(bucket);
  await uploads.endAllOf(bucket);
  return { status: 204, headers: {} };
}
