import { sha256Base64 } from '../system/mod.js';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { PutRequest } from './object-store.js';
import type { UploadObject } from './segment-source.js';

const gzipAsync = promisify(gzip);

/** The object as it goes to the store: compressed where asked for, with the SHA-256 of what is sent. */
export async function encodeObject(object: UploadObject, zip: boolean): Promise<PutRequest> {
  const { key, contentType } = object;
  if (!zip) {
    const sha256 = Buffer.from(object.sha256, 'hex').toString('base64');
    return { key, contentType, bytes: object.bytes, sha256 };
  }
  const bytes = await gzipAsync(object.bytes);
  const sha256 = sha256Base64(bytes);
  return { key, contentType, bytes, sha256, contentEncoding: 'gzip' };
}
