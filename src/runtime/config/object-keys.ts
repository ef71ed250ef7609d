import type { Configuration } from './schema.js';

/** S3's limit for a key, and what stands in one behind prefix and fleet: model, hour, digest and a file's name. */
const KEY_MAX_BYTES = 1024;
const REST_BYTES = 256;

/**
 * Why objects under this configuration's keys may not arrive, or be read elsewhere than they were meant; undefined
 * where nothing is wrong with them. Such values were accepted once, so they stay in force: this is for the log.
 */
export function objectKeyWarning({ fleet = '', capture }: Configuration): string | undefined {
  const { folderPrefix } = capture;
  if (isUnsafe(fleet)) return sentence('fleet', fleet);
  if (isUnsafe(folderPrefix)) return sentence('capture.folderPrefix', folderPrefix);
  const bytes = Buffer.byteLength(`${folderPrefix}/${fleet}/`) + REST_BYTES;
  if (bytes <= KEY_MAX_BYTES) return undefined;
  return `Object keys may take ${bytes} bytes and S3 allows ${KEY_MAX_BYTES}: shorten 'capture.folderPrefix'`;
}

/** Parts that a path resolves, and characters that end a line or a string. */
function isUnsafe(value: string): boolean {
  return (
    /[\p{Cc}\p{Zl}\p{Zp}]/u.test(value) || value.split('/').some((part) => part === '..' || part === '.')
  );
}

function sentence(key: string, value: string): string {
  return `'${key}' should hold no '.' or '..' as a part and no control characters, as some stores refuse such object keys: current value is ${JSON.stringify(value)}`;
}
