const XMLNS = 'http://s3.amazonaws.com/doc/2006-03-01/';
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;');
}

function element(name: string, value: string | number | boolean): string {
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}

export function errorXml(code: string, message: string, resource: string, requestId: string): string {
  const inside = [
    element('Code', code),
    element('Message', message),
    element('Resource', resource),
    element('RequestId', requestId),
  ];
  return `${HEAD}<Error>${inside.join('')}</Error>`;
}

/** GetBucketLocation: us-east-1 is the empty string, as at S3. */
export function locationXml(region: string): string {
  const inside = region === 'us-east-1' ? '' : escapeXml(region);
  return `${HEAD}<LocationConstraint xmlns="${XMLNS}">${inside}</LocationConstraint>`;
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
  return `${HEAD}<ListBucketResult xmlns="${XMLNS}">${inside.join('')}</ListBucketResult>`;
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
