import type { Clock } from '../../../core/mod.js';
import type { HttpRequest } from '../../http/mod.js';
import type { ChunkSignatures } from './chunk-signatures.js';
import type { OpenFile } from './disk-files.js';
import type { Fault } from './faults.js';
import type { OperationName } from './operation-table.js';
import type { FolderStore } from './store.js';
import type { Uploads } from './uploads.js';

/** A request that passed all checks that don't depend on what is stored. */
export interface S3Call {
  readonly request: HttpRequest;
  readonly operation: OperationName;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  /** Lower-case names; parameters of a presigned URL that stand for headers are among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fault: Fault | undefined;
  /** Where the body's chunks are signed one by one. */
  readonly chunkSignatures: ChunkSignatures | undefined;
  /** Why the keys that signed may not do this; undefined where they may. */
  readonly refusal: (action: string, bucket: string, key?: string) => string | undefined;
}

export interface FileBody {
  /** Closed by whoever sends the answer. */
  readonly file: OpenFile;
  readonly start: number;
  readonly endExclusive: number;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | FileBody;
}

export interface OperationContext {
  readonly store: FolderStore;
  readonly uploads: Uploads;
  readonly clock: Clock;
  readonly region: string;
  readonly accountId: string;
}

export type Handler = (call: S3Call, context: OperationContext) => Promise<S3Answer> | S3Answer;

export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}): S3Answer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}
