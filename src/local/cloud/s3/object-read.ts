import { parseRange, rangeOfPart, type ByteRange } from './byte-range.js';
import type { OperationContext, S3Answer, S3Call } from './call.js';
import { isChecksumAlgorithm, typeOfChecksum } from './checksums.js';
import { namesTag } from './entity-tags.js';
import { s3Errors, type S3Error } from './errors.js';
import { failedCondition, readConditionsOf } from './read-conditions.js';
import type { StoredObject } from './stored-object.js';

const OVERRIDES = {
  'response-cache-control': 'cache-control',
  'response-content-disposition': 'content-disposition',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
  'response-content-type': 'content-type',
  'response-expires': 'expires',
} as const;

export function headObject(call: S3Call, { store }: OperationContext): S3Answer {
  const object = store.get(call.bucket, call.key);
  if (object === undefined) throw absent(call);
  const { status, headers } = answerTo(call, object);
  return { status, headers };
}

export async function getObject(call: S3Call, { store }: OperationContext): Promise<S3Answer> {
  const opened = await store.openObject(call.bucket, call.key);
  if (opened === undefined) throw absent(call);
  const { object, file } = opened;
  try {
    const { status, headers, range } = answerTo(call, object);
    if (range !== undefined) return { status, headers, body: { file, ...range } };
    await file.close();
    return { status, headers };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Whoever may not list must not learn what is not there. */
function absent({ bucket, key, refusal }: S3Call): S3Error {
  const refused = refusal('s3:ListBucket', bucket);
  return refused === undefined ? s3Errors.noSuchKey(key) : s3Errors.accessDenied(refused);
}

function answerTo(
  { query, headers: asked }: S3Call,
  object: StoredObject,
): { status: number; headers: Record<string, string>; range: ByteRange | undefined } {
  const validators = {
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
  };
  const failed = failedCondition(object, readConditionsOf(asked));
  if (failed?.status === 304) return { status: 304, headers: validators, range: undefined };
  if (failed !== undefined) throw s3Errors.preconditionFailed(failed.condition);
  const part = query.get('partNumber');
  const range = askedRange(asked, part, object);
  const { start, endExclusive } = range ?? { start: 0, endExclusive: object.sizeBytes };
  const headers: Record<string, string> = {
    ...object.headers,
    ...overrides(query),
    ...validators,
    'accept-ranges': 'bytes',
    'content-length': String(endExclusive - start),
  };
  const tagCount = Object.keys(object.tags ?? {}).length;
  if (tagCount > 0) headers['x-amz-tagging-count'] = String(tagCount);
  if (part !== null && object.parts !== undefined)
    headers['x-amz-mp-parts-count'] = String(object.parts.length);
  // A checksum of the whole object says nothing of a part.
  if (range === undefined) Object.assign(headers, checksumHeaders(asked, object));
  else if (object.sizeBytes > 0)
    headers['content-range'] = `bytes ${start}-${endExclusive - 1}/${object.sizeBytes}`;
  return { status: range === undefined ? 200 : 206, headers, range: { start, endExclusive } };
}

function askedRange(
  asked: S3Call['headers'],
  part: string | null,
  object: StoredObject,
): ByteRange | undefined {
  if (part !== null) {
    if (asked['range'] !== undefined)
      throw s3Errors.invalidRequest('Cannot specify both Range header and partNumber query parameter');
    return rangeOfPart(part, object.sizeBytes, object.parts);
  }
  const ifRange = asked['if-range'];
  if (ifRange !== undefined && !namesTag(ifRange, object.etag)) return undefined;
  return parseRange(asked['range'], object.sizeBytes);
}

function overrides(query: URLSearchParams): Record<string, string> {
  const found = Object.entries(OVERRIDES).map(
    ([parameter, header]) => [header, query.get(parameter)] as const,
  );
  return Object.fromEntries(found.filter((one): one is [(typeof one)[0], string] => one[1] !== null));
}

function checksumHeaders(asked: S3Call['headers'], { checksums }: StoredObject): Record<string, string> {
  if (asked['x-amz-checksum-mode']?.toUpperCase() !== 'ENABLED') return {};
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(checksums)) {
    if (!isChecksumAlgorithm(name)) continue;
    headers[`x-amz-checksum-${name}`] = value;
    headers['x-amz-checksum-type'] = typeOfChecksum(value);
  }
  return headers;
}
