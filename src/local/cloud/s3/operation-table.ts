/** One of S3's operations: how a request names it, what it may carry, and what IAM calls the right to it. */
export interface S3Operation {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** What it is about. IAM's resource is the same: all, the bucket, or the object. */
  readonly target: 'service' | 'bucket' | 'object';
  /** Query parameters, and one header, that tell it from others of the same method and target. */
  readonly markers?: readonly string[];
  readonly markedBy?: 'x-amz-copy-source';
  /** Further query parameters that it takes. */
  readonly query?: readonly string[];
  /** The x-amz-… headers that it takes beyond those of every request; a last `*` stands for any end. */
  readonly headers?: readonly string[];
  /** Whether a body belongs to it. */
  readonly hasBody?: true;
  /** IAM's action. Rights that depend on the request stand in rights.ts. */
  readonly action: `s3:${string}`;
}

const CHECKSUMS = [
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
] as const;
const BODY = ['x-amz-decoded-content-length', 'x-amz-trailer', 'x-amz-sdk-checksum-algorithm', ...CHECKSUMS];
const NEW_OBJECT = [
  'x-amz-acl',
  'x-amz-meta-*',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-amz-server-side-encryption-context',
  'x-amz-storage-class',
  'x-amz-tagging',
];
const COPY = [
  'x-amz-copy-source',
  'x-amz-copy-source-if-*',
  'x-amz-source-expected-bucket-owner',
  'x-amz-checksum-algorithm',
];
const ANSWER = [
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
];
const LIST = ['delimiter', 'encoding-type', 'prefix'];
const PART = { query: ['partNumber'], headers: ['x-amz-checksum-algorithm', ...BODY] };

/** The allow list: what stands not here is refused before anything is touched. */
export const OPERATIONS = {
  ListBuckets: {
    method: 'GET',
    target: 'service',
    query: ['bucket-region', 'continuation-token', 'max-buckets', 'prefix'],
    action: 's3:ListAllMyBuckets',
  },
  CreateBucket: {
    method: 'PUT',
    target: 'bucket',
    headers: ['x-amz-acl', 'x-amz-object-ownership', ...BODY],
    hasBody: true,
    action: 's3:CreateBucket',
  },
  HeadBucket: { method: 'HEAD', target: 'bucket', action: 's3:ListBucket' },
  DeleteBucket: { method: 'DELETE', target: 'bucket', action: 's3:DeleteBucket' },
  GetBucketLocation: {
    method: 'GET',
    target: 'bucket',
    markers: ['location'],
    action: 's3:GetBucketLocation',
  },
  ListObjects: {
    method: 'GET',
    target: 'bucket',
    query: [...LIST, 'marker', 'max-keys'],
    headers: ['x-amz-optional-object-attributes'],
    action: 's3:ListBucket',
  },
  ListObjectsV2: {
    method: 'GET',
    target: 'bucket',
    markers: ['list-type'],
    query: [...LIST, 'continuation-token', 'fetch-owner', 'max-keys', 'start-after'],
    headers: ['x-amz-optional-object-attributes'],
    action: 's3:ListBucket',
  },
  ListMultipartUploads: {
    method: 'GET',
    target: 'bucket',
    markers: ['uploads'],
    query: [...LIST, 'key-marker', 'max-uploads', 'upload-id-marker'],
    action: 's3:ListBucketMultipartUploads',
  },
  DeleteObjects: {
    method: 'POST',
    target: 'bucket',
    markers: ['delete'],
    headers: BODY,
    hasBody: true,
    action: 's3:DeleteObject',
  },
  PutObject: {
    method: 'PUT',
    target: 'object',
    headers: [...NEW_OBJECT, ...BODY],
    hasBody: true,
    action: 's3:PutObject',
  },
  CopyObject: {
    method: 'PUT',
    target: 'object',
    markedBy: 'x-amz-copy-source',
    headers: [...NEW_OBJECT, ...COPY, 'x-amz-metadata-directive', 'x-amz-tagging-directive'],
    action: 's3:PutObject',
  },
  GetObject: {
    method: 'GET',
    target: 'object',
    query: [...ANSWER, 'partNumber', 'versionId'],
    headers: ['x-amz-checksum-mode'],
    action: 's3:GetObject',
  },
  HeadObject: {
    method: 'HEAD',
    target: 'object',
    query: [...ANSWER, 'partNumber', 'versionId'],
    headers: ['x-amz-checksum-mode'],
    action: 's3:GetObject',
  },
  DeleteObject: { method: 'DELETE', target: 'object', query: ['versionId'], action: 's3:DeleteObject' },
  GetObjectTagging: {
    method: 'GET',
    target: 'object',
    markers: ['tagging'],
    query: ['versionId'],
    action: 's3:GetObjectTagging',
  },
  PutObjectTagging: {
    method: 'PUT',
    target: 'object',
    markers: ['tagging'],
    query: ['versionId'],
    headers: BODY,
    hasBody: true,
    action: 's3:PutObjectTagging',
  },
  DeleteObjectTagging: {
    method: 'DELETE',
    target: 'object',
    markers: ['tagging'],
    query: ['versionId'],
    action: 's3:DeleteObjectTagging',
  },
  CreateMultipartUpload: {
    method: 'POST',
    target: 'object',
    markers: ['uploads'],
    headers: [...NEW_OBJECT, 'x-amz-checksum-algorithm', 'x-amz-checksum-type'],
    action: 's3:PutObject',
  },
  UploadPart: {
    method: 'PUT',
    target: 'object',
    markers: ['uploadId'],
    ...PART,
    hasBody: true,
    action: 's3:PutObject',
  },
  UploadPartCopy: {
    method: 'PUT',
    target: 'object',
    markers: ['uploadId'],
    markedBy: 'x-amz-copy-source',
    query: ['partNumber'],
    headers: [...COPY, 'x-amz-copy-source-range'],
    action: 's3:PutObject',
  },
  ListParts: {
    method: 'GET',
    target: 'object',
    markers: ['uploadId'],
    query: ['encoding-type', 'max-parts', 'part-number-marker'],
    action: 's3:ListMultipartUploadParts',
  },
  CompleteMultipartUpload: {
    method: 'POST',
    target: 'object',
    markers: ['uploadId'],
    headers: ['x-amz-checksum-type', 'x-amz-mp-object-size', ...BODY],
    hasBody: true,
    action: 's3:PutObject',
  },
  AbortMultipartUpload: {
    method: 'DELETE',
    target: 'object',
    markers: ['uploadId'],
    action: 's3:AbortMultipartUpload',
  },
} as const satisfies Readonly<Record<string, S3Operation>>;

export type OperationName = keyof typeof OPERATIONS;
