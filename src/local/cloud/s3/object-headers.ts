import { sha256Hex } from '../../../system/mod.js';
import { tagsOfHeader, type Tags } from './tags.js';

type Headers = Readonly<Record<string, string>>;

const OF_THE_CONTENT = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-language',
  'expires',
];
const KEPT_ENCRYPTION = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
];

/** What of a request's headers belongs to the object that it makes, as GetObject gives it back. */
export function objectHeaders(headers: Headers): Record<string, string> {
  return { ...contentHeaders(headers), ...placeHeaders(headers) };
}

/** What a copy takes from its source, or replaces. */
export function contentHeaders(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const [name, value] of Object.entries(headers))
    if (OF_THE_CONTENT.includes(name) || name.startsWith('x-amz-meta-')) kept[name] = value;
  // aws-chunked is the form of the transfer, not of the object.
  const encodings = (headers['content-encoding'] ?? '')
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'aws-chunked');
  if (encodings.length > 0) kept['content-encoding'] = encodings.join(',');
  return kept;
}

/** How the object is to be kept: each write says it anew. */
export function placeHeaders(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = { 'x-amz-server-side-encryption': 'AES256' };
  for (const name of KEPT_ENCRYPTION) if (headers[name] !== undefined) kept[name] = headers[name];
  const storageClass = headers['x-amz-storage-class'] ?? 'STANDARD';
  // S3 names the others only.
  if (storageClass !== 'STANDARD') kept['x-amz-storage-class'] = storageClass;
  return kept;
}

/** Undefined where there are none. */
export function tagsOf(headers: Headers): { tags?: Tags } {
  const tags = tagsOfHeader(headers['x-amz-tagging']);
  return Object.keys(tags).length === 0 ? {} : { tags };
}

/** The headers about encryption, which answers to writes repeat. */
export function encryptionOf(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => KEPT_ENCRYPTION.includes(name)));
}

/** The ETag of bytes that came in one piece: their MD5, but where KMS encrypts them. */
export function etagOf(md5Hex: string, headers: Headers): string {
  const isMd5 = !(headers['x-amz-server-side-encryption'] ?? '').startsWith('aws:kms');
  return isMd5 ? md5Hex : sha256Hex(`kms ${md5Hex}`).slice(0, 32);
}
