import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { PutRequest } from './object-store.js';
import type { UploadObject } from './segment-source.js';

const gzipAsync = promisify(gzip);

/** The object as it goes to the store: compressed where asked for, with the SHA-256 of what is sent. */
export async function encodeObject(object: UploadObject, zip: boolean): Promise<PutRequest> {
  const bytes = zip ? await gzipAsync(object.bytes) : object.bytes;
  return {
    key: object.key,
    bytes,
    sha256: createHash('sha256').update(bytes).digest('base64'),
    contentType: object.contentType,
    ...(zip ? { contentEncoding: 'gzip' } : {}),
  };
}
