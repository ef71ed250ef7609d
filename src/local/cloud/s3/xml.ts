import { element, escapeXml, XML_HEAD } from '../../xml/mod.js';

const XMLNS = 'http://s3.amazonaws.com/doc/2006-03-01/';

export function errorXml(code: string, message: string, resource: string, requestId: string): string {
  const inside = [
    element('Code', code),
    element('Message', message),
    element('Resource', resource),
    element('RequestId', requestId),
  ];
  return `${XML_HEAD}<Error>${inside.join('')}</Error>`;
}

/** GetBucketLocation: us-east-1 is the empty string, as at S3. */
export function locationXml(region: string): string {
  const inside = region === 'us-east-1' ? '' : escapeXml(region);
  return `${XML_HEAD}<LocationConstraint xmlns="${XMLNS}">${inside}</LocationConstraint>`;
}

export function initiatedXml(bucket: string, key: string, uploadId: string): string {
  const inside = element('Bucket', bucket) + element('Key', key) + element('UploadId', uploadId);
  return `${XML_HEAD}<InitiateMultipartUploadResult xmlns="${XMLNS}">${inside}</InitiateMultipartUploadResult>`;
}

/** @param checksums base64 by algorithm, over the parts' checksums */
export function completedXml(
  bucket: string,
  key: string,
  etag: string,
  checksums: Readonly<Record<string, string>>,
): string {
  const inside = [
    element('Location', `/${bucket}/${key}`),
    element('Bucket', bucket),
    element('Key', key),
    element('ETag', `"${etag}"`),
    ...Object.entries(checksums).map(([name, sum]) => element(`Checksum${name.toUpperCase()}`, sum)),
    element('ChecksumType', 'COMPOSITE'),
  ];
  return `${XML_HEAD}<CompleteMultipartUploadResult xmlns="${XMLNS}">${inside.join('')}</CompleteMultipartUploadResult>`;
}

/** ListBuckets. */
export function bucketsXml(names: readonly string[]): string {
  const buckets = names.map((name) => `<Bucket>${element('Name', name)}</Bucket>`).join('');
  return `${XML_HEAD}<ListAllMyBucketsResult xmlns="${XMLNS}"><Buckets>${buckets}</Buckets></ListAllMyBucketsResult>`;
}

export interface ListedObject {
  readonly key: string;
  readonly lastModified: Date;
  readonly etag: string;
  readonly sizeBytes: number;
}

export interface ListPage {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly startAfter: string;
  readonly continuationToken: string | undefined;
  readonly nextToken: string | undefined;
  readonly objects: readonly ListedObject[];
  readonly commonPrefixes: readonly string[];
  readonly urlEncoded: boolean;
}

export function listXml(page: ListPage): string {
  const name = (text: string): string => (page.urlEncoded ? encodeURIComponent(text) : text);
  const inside = [
    element('Name', page.bucket),
    element('Prefix', name(page.prefix)),
    ...(page.delimiter === '' ? [] : [element('Delimiter', name(page.delimiter))]),
    ...(page.startAfter === '' ? [] : [element('StartAfter', name(page.startAfter))]),
    ...(page.urlEncoded ? [element('EncodingType', 'url')] : []),
    element('MaxKeys', page.maxKeys),
    element('KeyCount', page.objects.length + page.commonPrefixes.length),
    element('IsTruncated', page.nextToken !== undefined),
    ...(page.continuationToken === undefined ? [] : [element('ContinuationToken', page.continuationToken)]),
    ...(page.nextToken === undefined ? [] : [element('NextContinuationToken', page.nextToken)]),
    ...page.objects.map((object) => contents(object, name)),
    ...page.commonPrefixes.map(
      (prefix) => `<CommonPrefixes>${element('Prefix', name(prefix))}</CommonPrefixes>`,
    ),
  ];
  return `${XML_HEAD}<ListBucketResult xmlns="${XMLNS}">${inside.join('')}</ListBucketResult>`;
}

function contents(object: ListedObject, name: (text: string) => string): string {
  const inside = [
    element('Key', name(object.key)),
    element('LastModified', object.lastModified.toISOString()),
    element('ETag', `"${object.etag}"`),
    element('Size', object.sizeBytes),
    element('StorageClass', 'STANDARD'),
  ];
  return `<Contents>${inside.join('')}</Contents>`;
}
