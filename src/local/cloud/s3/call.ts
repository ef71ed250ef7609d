import type { HttpRequest } from '../../http/mod.js';
import type { Clock } from '../../../core/mod.js';
import type { Fault } from './faults.js';
import type { FolderStore } from './store.js';
import type { Uploads } from './uploads.js';

/** A request that passed the signature check. */
export interface S3Call {
  readonly request: HttpRequest;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly fault: Fault | undefined;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | { readonly file: string; readonly start: number; readonly endExclusive: number };
}

export interface OperationContext {
  readonly store: FolderStore;
  readonly uploads: Uploads;
  readonly clock: Clock;
  readonly region: string;
}

export type Handler = (call: S3Call, context: OperationContext) => Promise<S3Answer> | S3Answer;
