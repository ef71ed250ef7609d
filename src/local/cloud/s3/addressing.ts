import { s3Errors } from './errors.js';

/** What a request is about, by its Host and its path. */
export interface Address {
  /** Empty: the service. */
  readonly bucket: string;
  /** Empty: the bucket. */
  readonly key: string;
}

const MAX_KEY_BYTES = 1024;
/** Hosts that name the bucket. All others, addresses above all, are path-style. */
const VIRTUAL = /^(.+)\.(?:s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?|localhost)$/;

/**
 * Not by URL: it would resolve `.` and `..`, which are part of a key.
 * @param target path and query as they came on the wire. Throws InvalidURI.
 */
export function addressOf(host: string, target: string): Address {
  const path = (target.split('?', 1)[0] ?? '/').slice(1);
  const [, virtual] = VIRTUAL.exec(host.replace(/:\d+$/, '')) ?? [];
  const slash = path.indexOf('/');
  if (virtual !== undefined) return { bucket: virtual, key: decode(path) };
  if (slash < 0) return { bucket: decode(path), key: '' };
  // A key of no bucket must not be taken for the list of all.
  if (slash === 0) throw s3Errors.invalidUri();
  return { bucket: decode(path.slice(0, slash)), key: decode(path.slice(slash + 1)) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw s3Errors.invalidUri();
  }
}

/** Throws KeyTooLongError, or InvalidURI for a key that goes above its bucket. */
export function checkKey(key: string): void {
  const sizeBytes = Buffer.byteLength(key);
  if (sizeBytes > MAX_KEY_BYTES) throw s3Errors.keyTooLong(sizeBytes);
  let depth = 0;
  for (const part of key.split('/')) {
    if (part === '..') depth--;
    else if (part !== '' && part !== '.') depth++;
    if (depth < 0) throw s3Errors.invalidUri();
  }
}
