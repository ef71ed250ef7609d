import type { HttpRequest } from '../../http/mod.js';
import { s3Errors, type S3Error } from './errors.js';
import { isPresigned } from './presigned.js';
import { OPERATIONS, type OperationName, type S3Operation } from './operation-table.js';

const OF_EVERY_REQUEST = [
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expected-bucket-owner',
  'x-amz-expires',
  'x-amz-request-payer',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-user-agent',
];
const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
];
const SLOW_STORAGE_CLASSES = ['GLACIER', 'DEEP_ARCHIVE', 'OUTPOSTS', 'SNOW', 'EXPRESS_ONEZONE'];
const ENCRYPTIONS = ['AES256', 'aws:kms', 'aws:kms:dsse'];
/** What buckets without ACLs accept; they have been the only new ones since 2023. */
const ACLS = ['bucket-owner-full-control'];
const MAX_METADATA_BYTES = 2048;

/** By lower-case names. */
export function headersOf(request: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return headers;
}

/** The x-amz-… parameters of a query: presigned URLs have them for headers, and seldom sign a body. */
export function headersOfQuery(query: URLSearchParams): Record<string, string> {
  const headers: Record<string, string> = isPresigned(query)
    ? { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
    : {};
  for (const [name, value] of query) if (/^x-amz-/i.test(name)) headers[name.toLowerCase()] = value;
  return headers;
}

/** Throws where an x-amz-… header asks for what this operation, or this server, does not do: none is ignored. */
export function checkHeaders(
  operation: OperationName,
  headers: Readonly<Record<string, string>>,
  accountId: string,
): void {
  const row: S3Operation = OPERATIONS[operation];
  const taken = [...OF_EVERY_REQUEST, ...(row.headers ?? [])];
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-amz-') && !taken.some((one) => isCovered(name, one))) throw refusalOf(name);
  }
  checkValues(operation, headers);
  for (const name of ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']) {
    if ((headers[name] ?? accountId) !== accountId) throw s3Errors.accessDenied('Access Denied');
  }
}

function isCovered(name: string, taken: string): boolean {
  return taken.endsWith('*') ? name.startsWith(taken.slice(0, -1)) : name === taken;
}

/** As S3 answers them on a bucket of defaults over plain HTTP; where it would do as asked, 501. */
function refusalOf(name: string): S3Error {
  if (name.includes('server-side-encryption-customer-'))
    return s3Errors.invalidRequest(
      'Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.',
    );
  if (name.startsWith('x-amz-object-lock-'))
    return s3Errors.invalidRequest('Bucket is missing Object Lock Configuration');
  if (name.startsWith('x-amz-grant-')) return s3Errors.noAcls();
  return s3Errors.notImplemented(`the header ${name} here`);
}

function checkValues(operation: OperationName, headers: Readonly<Record<string, string>>): void {
  const acl = headers['x-amz-acl'];
  const isBucket = operation === 'CreateBucket';
  if (acl !== undefined && !(isBucket ? ['private'] : ACLS).includes(acl)) throw s3Errors.noAcls();
  const ownership = headers['x-amz-object-ownership'];
  if (ownership !== undefined && ownership !== 'BucketOwnerEnforced')
    throw s3Errors.notImplemented(`the object ownership ${ownership}`);
  const storage = headers['x-amz-storage-class'] ?? 'STANDARD';
  if (SLOW_STORAGE_CLASSES.includes(storage)) throw s3Errors.notImplemented(`the storage class ${storage}`);
  if (!STORAGE_CLASSES.includes(storage)) throw s3Errors.invalidStorageClass();
  checkEncryption(headers);
  const metadataBytes = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-amz-meta-'))
    .reduce(
      (sum, [name, value]) => sum + name.length - 'x-amz-meta-'.length + Buffer.byteLength(value, 'latin1'),
      0,
    );
  if (metadataBytes > MAX_METADATA_BYTES) throw s3Errors.metadataTooLarge(metadataBytes, MAX_METADATA_BYTES);
}

function checkEncryption(headers: Readonly<Record<string, string>>): void {
  const encryption = headers['x-amz-server-side-encryption'];
  if (encryption !== undefined && !ENCRYPTIONS.includes(encryption))
    throw s3Errors.invalidArgument('The encryption method specified is not supported');
  const key = headers['x-amz-server-side-encryption-aws-kms-key-id'];
  if (key !== undefined && !(encryption ?? '').startsWith('aws:kms'))
    throw s3Errors.invalidArgument(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    );
}
