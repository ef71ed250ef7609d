import { s3Errors } from './errors.js';

export type Tags = Readonly<Record<string, string>>;

const MAX_TAGS = 10;
const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 256;
const SIGNS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Of the header x-amz-tagging, which has the form of a query. Throws InvalidArgument or InvalidTag. */
export function tagsOfHeader(header: string | undefined): Tags {
  const entries = [...new URLSearchParams(header ?? '')];
  return checkTags(entries);
}

/** Throws InvalidTag. */
export function checkTags(entries: readonly (readonly [string, string])[]): Tags {
  if (entries.length > MAX_TAGS) throw s3Errors.badRequest('Object tags cannot be greater than 10');
  for (const [key, value] of entries) {
    if (key === '' || key.length > MAX_KEY_LENGTH || !SIGNS.test(key) || key.startsWith('aws:'))
      throw s3Errors.invalidTag('The TagKey you have provided is invalid');
    if (value.length > MAX_VALUE_LENGTH || !SIGNS.test(value))
      throw s3Errors.invalidTag('The TagValue you have provided is invalid');
  }
  const tags = Object.fromEntries(entries);
  if (Object.keys(tags).length < entries.length)
    throw s3Errors.invalidTag('Cannot provide multiple Tags with the same key');
  return tags;
}
