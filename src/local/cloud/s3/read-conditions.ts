import { namesTag } from './entity-tags.js';

/** The four conditions of a read, or of a copy's source, as their headers have them. */
export interface ReadConditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
}

/** @param prefix `x-amz-copy-source-` for those of a copy's source */
export function readConditionsOf(headers: Readonly<Record<string, string>>, prefix = ''): ReadConditions {
  return {
    ifMatch: headers[`${prefix}if-match`],
    ifNoneMatch: headers[`${prefix}if-none-match`],
    ifModifiedSince: headers[`${prefix}if-modified-since`],
    ifUnmodifiedSince: headers[`${prefix}if-unmodified-since`],
  };
}

/**
 * S3's rules, which are RFC 9110's: a condition on the ETag overrules the one on the date beside it, and a date that
 * can't be read is none. @returns the condition that does not hold, and what a read answers then
 */
export function failedCondition(
  object: { readonly etag: string; readonly lastModifiedMs: number },
  conditions: ReadConditions,
): { readonly condition: string; readonly status: 304 | 412 } | undefined {
  const { ifMatch, ifNoneMatch } = conditions;
  // Dates of HTTP have no fractions.
  const modifiedMs = Math.floor(object.lastModifiedMs / 1000) * 1000;
  const unmodifiedSince = dateOf(conditions.ifUnmodifiedSince);
  const modifiedSince = dateOf(conditions.ifModifiedSince);
  if (ifMatch !== undefined) {
    if (!namesTag(ifMatch, object.etag)) return { condition: 'If-Match', status: 412 };
  } else if (unmodifiedSince !== undefined && modifiedMs > unmodifiedSince) {
    return { condition: 'If-Unmodified-Since', status: 412 };
  }
  if (ifNoneMatch !== undefined) {
    if (namesTag(ifNoneMatch, object.etag)) return { condition: 'If-None-Match', status: 304 };
  } else if (modifiedSince !== undefined && modifiedMs <= modifiedSince) {
    return { condition: 'If-Modified-Since', status: 304 };
  }
  return undefined;
}

function dateOf(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
