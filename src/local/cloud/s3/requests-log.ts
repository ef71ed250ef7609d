import type { Fault } from './faults.js';
import type { OperationName } from './operation-table.js';

/** One request as the server saw it: the ground truth of upload tests. */
export interface RequestRecord {
  readonly index: number;
  readonly atMs: number;
  readonly method: string;
  readonly operation: OperationName | undefined;
  readonly bucket: string;
  readonly key: string;
  /** Without Authorization and the session token. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fault: Fault['kind'] | undefined;
  /** 0 until answered, and for ever where no answer was sent. */
  status: number;
  errorCode: string | undefined;
}

const SECRET_HEADERS = ['authorization', 'x-amz-security-token', 'x-amz-signature', 'x-amz-credential'];
/** So that a server that stays up does not fill its memory: the older half goes. */
const MAX_RECORDS = 400_000;

/** Without what signs a request. */
export function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET_HEADERS.includes(name)));
}

export function remember(log: RequestRecord[], record: RequestRecord): void {
  if (log.length >= MAX_RECORDS) log.splice(0, MAX_RECORDS / 2);
  log.push(record);
}
