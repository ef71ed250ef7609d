import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { receiveBody } from './body.js';
import type { OperationContext, S3Answer, S3Call } from './call.js';
import { CHECKSUM_ALGORITHMS, startChecksum, type ChecksumAlgorithm } from './checksums.js';
import { s3Errors } from './errors.js';
import { conditionsOf, storedHeaders } from './stored-headers.js';
import type { MultipartUpload, UploadedPart } from './uploads.js';
import { completedXml, initiatedXml } from './xml.js';

const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const XML = { 'content-type': 'application/xml' };

export function createMultipartUpload(call: S3Call, { store, uploads }: OperationContext): S3Answer {
  const { request, bucket, key } = call;
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket();
  const { id } = uploads.begin(bucket, key, storedHeaders(request));
  return { status: 200, headers: XML, body: initiatedXml(bucket, key, id) };
}

/** A part that is sent again replaces the former one. */
export async function uploadPart(
  call: S3Call,
  { store, uploads, clock }: OperationContext,
): Promise<S3Answer> {
  const { request, bucket, key, query, fault } = call;
  const upload = uploads.find(query.get('uploadId'), bucket, key);
  const number = Number(query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS)
    throw s3Errors.invalidArgument(`Part number must be between 1 and ${MAX_PARTS}`);
  const file = store.incoming();
  try {
    const body = await receiveBody(request, file, fault, clock);
    const former = upload.parts.get(number);
    upload.parts.set(number, { ...body, file });
    if (former !== undefined) await rm(former.file, { force: true });
    const sums = Object.entries(body.checksums).map(([name, sum]) => [`x-amz-checksum-${name}`, sum]);
    return { status: 200, headers: { etag: `"${body.md5Hex}"`, ...Object.fromEntries(sums) } };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** Joins the parts that the request lists, in the order of their numbers. */
export async function completeMultipartUpload(call: S3Call, context: OperationContext): Promise<S3Answer> {
  const { request, bucket, key, query } = call;
  const { store, uploads, clock } = context;
  const upload = uploads.find(query.get('uploadId'), bucket, key);
  const parts = chosen(upload, await readList(call, context));
  const joined = store.incoming();
  try {
    for (const { file } of parts)
      await pipeline(createReadStream(file), createWriteStream(joined, { flags: 'a', mode: 0o600 }));
    const md5 = createHash('md5');
    for (const { md5Hex } of parts) md5.update(Buffer.from(md5Hex, 'hex'));
    const etag = `${md5.digest('hex')}-${parts.length}`;
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    const checksums = compositeSums(parts);
    const object = {
      key,
      sizeBytes,
      etag,
      lastModifiedMs: clock.wallMs(),
      headers: upload.headers,
      checksums,
    };
    await store.commit(bucket, object, joined, conditionsOf(request));
    await discard(upload, context);
    return { status: 200, headers: XML, body: completedXml(bucket, key, etag, checksums) };
  } finally {
    await rm(joined, { force: true });
  }
}

export async function abortMultipartUpload(call: S3Call, context: OperationContext): Promise<S3Answer> {
  await discard(context.uploads.find(call.query.get('uploadId'), call.bucket, call.key), context);
  return { status: 204, headers: {} };
}

async function discard(upload: MultipartUpload, { uploads }: OperationContext): Promise<void> {
  uploads.end(upload);
  for (const { file } of upload.parts.values()) await rm(file, { force: true });
}

interface ListedPart {
  readonly number: number;
  readonly etag: string;
}

async function readList(
  { request, fault }: S3Call,
  { store, clock }: OperationContext,
): Promise<ListedPart[]> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_LIST_BYTES) throw s3Errors.malformedXml();
  const received = store.incoming();
  try {
    await receiveBody(request, received, fault, clock);
    const text = await readFile(received, 'utf8');
    const listed = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, inside = '']) => ({
      number: Number(/<PartNumber>(\d+)<\/PartNumber>/.exec(inside)?.[1]),
      etag: (/<ETag>(.*?)<\/ETag>/.exec(inside)?.[1] ?? '').replaceAll(/"|&quot;|&#34;/g, ''),
    }));
    if (!text.includes('<CompleteMultipartUpload') || listed.length === 0) throw s3Errors.malformedXml();
    return listed;
  } finally {
    await rm(received, { force: true });
  }
}

function chosen(upload: MultipartUpload, listed: readonly ListedPart[]): UploadedPart[] {
  if (listed.some(({ number }, index) => index > 0 && (listed[index - 1]?.number ?? 0) >= number))
    throw s3Errors.invalidPartOrder();
  return listed.map(({ number, etag }, index) => {
    const part = upload.parts.get(number);
    if (part === undefined || part.md5Hex !== etag) throw s3Errors.invalidPart();
    if (index < listed.length - 1 && part.sizeBytes < MIN_PART_BYTES) throw s3Errors.entityTooSmall();
    return part;
  });
}

/** A checksum over the parts' checksums, for each algorithm that all parts have. */
function compositeSums(parts: readonly UploadedPart[]): Partial<Record<ChecksumAlgorithm, string>> {
  const sums: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const name of CHECKSUM_ALGORITHMS) {
    const values = parts.flatMap(({ checksums }) => checksums[name] ?? []);
    if (values.length !== parts.length) continue;
    const sum = startChecksum(name);
    for (const value of values) sum.update(Buffer.from(value, 'base64'));
    sums[name] = `${sum.digest()}-${parts.length}`;
  }
  return sums;
}
