import { readFile, rm, writeFile } from 'node:fs/promises';
import { receiveBody, type ReceivedBody } from './body.js';
import type { Handler, OperationContext, S3Answer, S3Call } from './call.js';
import { isChecksumAlgorithm, startChecksum, type ChecksumAlgorithm } from './checksums.js';
import { s3Errors } from './errors.js';
import { flipMiddleBit, type Fault } from './faults.js';
import { listObjects } from './listing.js';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  uploadPart,
} from './multipart.js';
import { conditionsOf, storedHeaders } from './stored-headers.js';
import type { FolderStore, StoredObject } from './store.js';
import { bucketsXml, locationXml } from './xml.js';

const MAX_KEY_BYTES = 1024;
/** Query parameters that name a sub-resource which this server does not have. */
const SUBRESOURCES = ['acl', 'tagging', 'versioning', 'policy', 'lifecycle', 'delete', 'cors'];

/** The operation that a request means, by S3's name. Throws NotImplemented. */
export function operationOf(method: string, bucket: string, key: string, query: URLSearchParams): Operation {
  const sub = SUBRESOURCES.find((name) => query.has(name));
  if (sub !== undefined) throw s3Errors.notImplemented(`the sub-resource '${sub}'`);
  const multipart = ['uploads', 'uploadId'].find((one) => query.has(one));
  const target = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
  const name = `${method} ${target}${multipart === undefined ? '' : ` ${multipart}`}`;
  switch (name) {
    case 'POST object uploads':
      return 'CreateMultipartUpload';
    case 'PUT object uploadId':
      return 'UploadPart';
    case 'POST object uploadId':
      return 'CompleteMultipartUpload';
    case 'DELETE object uploadId':
      return 'AbortMultipartUpload';
    case 'GET service':
      return 'ListBuckets';
    case 'PUT object':
      return 'PutObject';
    case 'GET object':
      return 'GetObject';
    case 'HEAD object':
      return 'HeadObject';
    case 'DELETE object':
      return 'DeleteObject';
    case 'PUT bucket':
      return 'CreateBucket';
    case 'HEAD bucket':
      return 'HeadBucket';
    case 'GET bucket':
      return query.has('location') ? 'GetBucketLocation' : 'ListObjectsV2';
    default:
      throw s3Errors.notImplemented(name);
  }
}

/** The handlers by S3's name of the operation. */
export const handlers = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: async ({ bucket, key }, { store }) => {
    await store.delete(bucket, key);
    return { status: 204, headers: {} };
  },
  CreateBucket: createBucket,
  HeadBucket: ({ bucket }, { store, region }) => {
    if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket();
    return { status: 200, headers: { 'x-amz-bucket-region': region } };
  },
  GetBucketLocation: ({ bucket }, { store, region }) => {
    if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket();
    return { status: 200, headers: { 'content-type': 'application/xml' }, body: locationXml(region) };
  },
  ListObjectsV2: listObjects,
  ListBuckets: (_call, { store }) => ({
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: bucketsXml(store.bucketNames()),
  }),
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
} as const satisfies Record<string, Handler>;
export type Operation = keyof typeof handlers;

async function putObject(call: S3Call, { store, clock }: OperationContext): Promise<S3Answer> {
  const { request, bucket, key, fault } = call;
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw s3Errors.keyTooLong();
  const conditions = conditionsOf(request);
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket();
  const received = store.incoming();
  try {
    const sent = await receiveBody(request, received, fault, clock);
    const body = fault?.kind === 'flip-byte' && fault.where === 'store' ? await damage(received, sent) : sent;
    const headers = storedHeaders(request);
    const object = {
      key,
      sizeBytes: body.sizeBytes,
      etag: body.md5Hex,
      lastModifiedMs: clock.wallMs(),
      headers,
    };
    await store.commit(bucket, { ...object, checksums: body.checksums }, received, conditions);
    return { status: 200, headers: putHeaders(body.md5Hex, body.checksums, headers, fault) };
  } finally {
    await rm(received, { force: true });
  }
}

/** Changes a bit of what was received; the sums are those of the damaged bytes, as a store would tell them. */
async function damage(file: string, sent: ReceivedBody): Promise<ReceivedBody> {
  const bytes = flipMiddleBit(await readFile(file));
  await writeFile(file, bytes);
  const sumOf = (name: ChecksumAlgorithm | 'md5'): string => {
    const sum = startChecksum(name);
    sum.update(bytes);
    return sum.digest();
  };
  const names = Object.keys(sent.checksums).filter(isChecksumAlgorithm);
  return {
    sizeBytes: bytes.length,
    md5Hex: Buffer.from(sumOf('md5'), 'base64').toString('hex'),
    checksums: Object.fromEntries(names.map((name) => [name, sumOf(name)])),
  };
}

function putHeaders(
  etag: string,
  checksums: StoredObject['checksums'],
  stored: Readonly<Record<string, string>>,
  fault: Fault | undefined,
): Record<string, string> {
  const wrong = fault?.kind === 'wrong-checksum';
  const headers: Record<string, string> = { etag: `"${wrong ? '0'.repeat(32) : etag}"` };
  for (const [name, value] of Object.entries(checksums)) {
    const bytes = Buffer.from(value, 'base64');
    headers[`x-amz-checksum-${name}`] = (wrong ? flipMiddleBit(bytes) : bytes).toString('base64');
  }
  for (const [name, value] of Object.entries(stored)) {
    if (name.startsWith('x-amz-server-side-encryption')) headers[name] = value;
  }
  return headers;
}

function describeObject(
  { request, bucket, key }: S3Call,
  store: FolderStore,
): [StoredObject, Record<string, string>] {
  const object = store.get(bucket, key);
  if (object === undefined) throw s3Errors.noSuchKey();
  const headers: Record<string, string> = {
    ...object.headers,
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
    'content-length': String(object.sizeBytes),
  };
  if (String(request.headers['x-amz-checksum-mode']).toUpperCase() === 'ENABLED') {
    for (const [name, value] of Object.entries(object.checksums))
      if (isChecksumAlgorithm(name)) headers[`x-amz-checksum-${name}`] = value;
  }
  return [object, headers];
}

function headObject(call: S3Call, { store }: OperationContext): S3Answer {
  return { status: 200, headers: describeObject(call, store)[1] };
}

function getObject(call: S3Call, { store }: OperationContext): S3Answer {
  const [object, headers] = describeObject(call, store);
  const file = store.path(call.bucket, object);
  const range = parseRange(call.request.headers.range, object.sizeBytes);
  if (range === undefined)
    return { status: 200, headers, body: { file, start: 0, endExclusive: object.sizeBytes } };
  // A checksum of the whole object says nothing of a part.
  const partial = Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-')),
  );
  const { start, endExclusive } = range;
  partial['content-range'] = `bytes ${start}-${endExclusive - 1}/${object.sizeBytes}`;
  partial['content-length'] = String(endExclusive - start);
  return { status: 206, headers: partial, body: { file, start, endExclusive } };
}

function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; endExclusive: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const endExclusive = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (start >= endExclusive) throw s3Errors.invalidRange();
  return { start, endExclusive };
}

async function createBucket(call: S3Call, { store, clock }: OperationContext): Promise<S3Answer> {
  const received = store.incoming();
  try {
    if (Number(call.request.headers['content-length'] ?? 0) > 0)
      await receiveBody(call.request, received, call.fault, clock);
    await store.createBucket(call.bucket);
  } finally {
    await rm(received, { force: true });
  }
  return { status: 200, headers: { location: `/${call.bucket}` } };
}
