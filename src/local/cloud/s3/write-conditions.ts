import { namesTag } from './entity-tags.js';
import { s3Errors } from './errors.js';

/** What a write may demand of the object that lies there already. */
export interface WriteConditions {
  readonly ifNoneMatch?: string | undefined;
  readonly ifMatch?: string | undefined;
}

/** Of lower-case headers. Throws NotImplemented for conditions that S3 knows for reads only. */
export function writeConditionsOf(headers: Readonly<Record<string, string>>): WriteConditions {
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = headers;
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*')
    throw s3Errors.notImplemented('If-None-Match with anything but * on a write');
  for (const name of ['if-modified-since', 'if-unmodified-since'])
    if (headers[name] !== undefined) throw s3Errors.notImplemented(`${name} on a write`);
  if (ifNoneMatch !== undefined && ifMatch !== undefined)
    throw s3Errors.notImplemented('If-Match and If-None-Match together');
  return { ifNoneMatch, ifMatch };
}

export function isConditional({ ifNoneMatch, ifMatch }: WriteConditions): boolean {
  return ifNoneMatch !== undefined || ifMatch !== undefined;
}

/** Throws PreconditionFailed, or NoSuchKey where If-Match names an object that is not there. */
export function checkWrite(
  existing: { readonly etag: string } | undefined,
  { ifNoneMatch, ifMatch }: WriteConditions,
  key: string,
): void {
  if (ifNoneMatch !== undefined && existing !== undefined) throw s3Errors.preconditionFailed('If-None-Match');
  if (ifMatch === undefined) return;
  if (existing === undefined) throw s3Errors.noSuchKey(key);
  if (!namesTag(ifMatch, existing.etag)) throw s3Errors.preconditionFailed('If-Match');
}
