import { md5 } from '../system/mod.js';
import type { PutRequest } from './object-store.js';

/** What a store says of the bytes under a key. */
export interface Reported {
  readonly sizeBytes?: number | undefined;
  /** Base64. */
  readonly sha256?: string | undefined;
  readonly etag?: string | undefined;
  readonly encryption?: string | undefined;
  /** The store was given the bytes' MD5, which it compares before it answers. */
  readonly checkedMd5?: boolean;
}

/**
 * Whether the store's words prove that these bytes lie under the key: `this`, `other` where they prove that other
 * bytes do, `none` where they say nothing of the content, as the answer of a captive portal.
 */
export function proofOf(request: PutRequest, reported: Reported): 'this' | 'other' | 'none' {
  const { sizeBytes, sha256, encryption = '' } = reported;
  const etag = reported.etag?.replaceAll('"', '') ?? '';
  if (sha256 !== undefined) return sha256 === request.sha256 ? 'this' : 'other';
  if (etag === '') return 'none';
  if (sizeBytes !== undefined && sizeBytes !== request.bytes.byteLength) return 'other';
  if (/^[0-9a-f]{32}$/.test(etag) && !encryption.startsWith('aws:kms')) {
    return etag === md5(request.bytes).toString('hex') ? 'this' : 'other';
  }
  // Under KMS the ETag is no MD5: what is left is that a store encrypted what it had compared.
  return reported.checkedMd5 === true && encryption.startsWith('aws:kms') ? 'this' : 'none';
}
