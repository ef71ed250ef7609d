import type { Failure } from './failure.js';

/** One object as it is to lie in the store. The key is derived from the content, so it never means other bytes. */
export interface PutRequest {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`, base64. Sent, and compared with what the store answers. */
  readonly sha256: string;
  readonly contentType: string;
  readonly contentEncoding?: string;
}

/**
 * What became of a put.
 * - `stored`: the store confirmed these bytes under this key.
 * - `exists`: they were there already, confirmed by checksum: the answer to an earlier put was lost.
 * - `failed`: nothing is confirmed, though the object may have been stored.
 */
export type PutOutcome =
  { readonly outcome: 'stored' | 'exists' } | { readonly outcome: 'failed'; readonly failure: Failure };

/**
 * Where objects go. A put is conditional on the key's absence, so a repeated one makes no second object; bytes
 * that lie damaged under the key are replaced, since the key belongs to the content.
 */
export interface ObjectStore extends AsyncDisposable {
  /** Never rejects: each failure is an outcome. Ends soon after `signal` aborts. */
  put(request: PutRequest, signal: AbortSignal): Promise<PutOutcome>;
  /** Drops all connections, for a put that does not end though it was aborted; the next put makes new ones. */
  reset(): void;
  close(): Promise<void>;
}
