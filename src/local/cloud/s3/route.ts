import { s3Errors, type S3Error } from './errors.js';
import { OPERATIONS, type OperationName, type S3Operation } from './operation-table.js';

/** Told by SDKs about themselves. */
const QUERY_OF_EVERY_REQUEST = ['x-id'];

/** @param headers lower-case names, with those that a presigned URL has among its parameters */
export interface RequestShape {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
}

/** The operation that a request means, by S3's name. Throws MethodNotAllowed, or NotImplemented for what is not on the list. */
export function operationOf(request: RequestShape): OperationName {
  const target = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object';
  const rows = Object.entries<S3Operation>(OPERATIONS).filter(
    ([, row]) => row.method === request.method && row.target === target,
  );
  if (rows.length === 0) throw refusedMethod(request, target);
  const [found] = rows
    .filter(([, row]) => isMarked(row, request))
    .sort(([, a], [, b]) => markersOf(b) - markersOf(a));
  const taken = found === undefined ? [] : [...(found[1].markers ?? []), ...(found[1].query ?? [])];
  const other = [...request.query.keys()].find(
    (name) => !taken.includes(name) && !QUERY_OF_EVERY_REQUEST.includes(name) && !/^x-amz-/i.test(name),
  );
  if (other !== undefined) throw s3Errors.notImplemented(`the query parameter '${other}' here`);
  if (found === undefined) throw refusedMethod(request, target);
  return found[0] as OperationName;
}

function isMarked(row: S3Operation, { query, headers }: RequestShape): boolean {
  // A copy must never be taken for a put of an empty body.
  if ((row.markedBy !== undefined) !== 'x-amz-copy-source' in headers && row.method === 'PUT') return false;
  return (row.markers ?? []).every((name) => query.has(name));
}

function markersOf({ markers = [], markedBy }: S3Operation): number {
  return markers.length + (markedBy === undefined ? 0 : 1);
}

function refusedMethod({ method }: RequestShape, target: string): S3Error {
  return s3Errors.methodNotAllowed(`${method} ${target}`);
}
