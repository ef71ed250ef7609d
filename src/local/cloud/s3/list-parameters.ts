import { s3Errors } from './errors.js';

const MAX_NUMBER = 2_147_483_647;

/** A number of things on a page: what is asked for, and no more than `most`. Throws InvalidArgument. */
export function pageSizeOf(query: URLSearchParams, name: string, most: number, least = 0): number {
  const text = query.get(name);
  if (text === null || text === '') return most;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value > MAX_NUMBER || value < least)
    throw s3Errors.invalidArgument(`Argument ${name} must be an integer between ${least} and ${MAX_NUMBER}`, {
      ArgumentName: name,
      ArgumentValue: text,
    });
  return Math.min(most, value);
}

/** How names are written into the answer. Throws InvalidArgument. */
export function encoderOf(query: URLSearchParams): {
  readonly type: 'url' | undefined;
  readonly encode: (name: string) => string;
} {
  const type = query.get('encoding-type');
  if (type === null) return { type: undefined, encode: (name) => name };
  if (type !== 'url')
    throw s3Errors.invalidArgument('Invalid Encoding Method specified in Request', {
      ArgumentName: 'encoding-type',
      ArgumentValue: type,
    });
  return { type, encode: encodeName };
}

/** As S3 does: like a form's, but for the slash. */
function encodeName(name: string): string {
  return encodeURIComponent(name)
    .replaceAll('%2F', '/')
    .replaceAll('%20', '+')
    .replaceAll(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Hides in a token where the next page begins. */
export function tokenOf(last: string): string {
  return Buffer.from(`1${last}`).toString('base64url');
}

/** Throws InvalidArgument. */
export function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('1') || tokenOf(text.slice(1)) !== token)
    throw s3Errors.invalidArgument('The continuation token provided is incorrect', {
      ArgumentName: 'continuation-token',
    });
  return text.slice(1);
}
