import type { OperationContext, S3Answer, S3Call } from './call.js';
import { s3Errors } from './errors.js';
import type { StoredObject } from './store.js';
import { listXml } from './xml.js';

const MAX_LIST_KEYS = 1000;

/** ListObjectsV2: the continuation token is the last key or common prefix of the page before. */
export function listObjects({ bucket, query }: S3Call, { store }: OperationContext): S3Answer {
  if (query.get('list-type') !== '2') throw s3Errors.notImplemented('ListObjects version 1');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token') ?? undefined;
  const maxKeys = Math.min(MAX_LIST_KEYS, Number(query.get('max-keys') ?? MAX_LIST_KEYS));
  if (!Number.isInteger(maxKeys) || maxKeys < 0)
    throw s3Errors.invalidArgument('max-keys is not a whole number');
  const after = token === undefined ? startAfter : Buffer.from(token, 'base64url').toString('utf8');
  const found = pageOf(store.list(bucket), prefix, delimiter, after, maxKeys);
  const body = listXml({
    bucket,
    prefix,
    delimiter,
    maxKeys,
    startAfter,
    continuationToken: token,
    nextToken: found.next === undefined ? undefined : Buffer.from(found.next).toString('base64url'),
    objects: found.objects.map(({ key, lastModifiedMs, etag, sizeBytes }) => ({
      key,
      lastModified: new Date(lastModifiedMs),
      etag,
      sizeBytes,
    })),
    commonPrefixes: found.commonPrefixes,
    urlEncoded: query.get('encoding-type') === 'url',
  });
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

function pageOf(
  all: readonly StoredObject[],
  prefix: string,
  delimiter: string,
  after: string,
  maxKeys: number,
): { objects: StoredObject[]; commonPrefixes: string[]; next: string | undefined } {
  const objects: StoredObject[] = [];
  const commonPrefixes: string[] = [];
  let last = after;
  for (const object of all) {
    const { key } = object;
    if (!key.startsWith(prefix) || Buffer.compare(Buffer.from(key), Buffer.from(after)) <= 0) continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = at < 0 ? undefined : key.slice(0, at + delimiter.length);
    // A page that ended with a common prefix names it as its last: its keys were told by it.
    if (common !== undefined && (common === commonPrefixes.at(-1) || common === after)) continue;
    if (objects.length + commonPrefixes.length === maxKeys)
      return { objects, commonPrefixes, next: maxKeys === 0 ? undefined : last };
    if (common === undefined) objects.push(object);
    else commonPrefixes.push(common);
    last = common ?? key;
  }
  return { objects, commonPrefixes, next: undefined };
}
