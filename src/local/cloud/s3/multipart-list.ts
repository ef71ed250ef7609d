import { xmlAnswer, type OperationContext, type S3Answer, type S3Call } from './call.js';
import { typeOfChecksum } from './checksums.js';
import { compareKeys } from './key-order.js';
import { pageOf } from './list-page.js';
import { encoderOf, pageSizeOf } from './list-parameters.js';
import { ownerOf } from './owner.js';
import type { MultipartUpload, UploadedPart } from './uploads.js';
import { s3Document, type XmlFields } from './xml.js';

const MOST = 1000;

export function listMultipartUploads(
  { bucket, query }: S3Call,
  { store, uploads, accountId }: OperationContext,
): S3Answer {
  // Throws NoSuchBucket.
  store.list(bucket);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const after = query.get('key-marker') ?? '';
  // Without a key it means nothing.
  const afterId = after === '' ? '' : (query.get('upload-id-marker') ?? '');
  const maxKeys = pageSizeOf(query, 'max-uploads', MOST, 1);
  const { type, encode } = encoderOf(query);
  const isBehind = ({ key, id }: MultipartUpload): boolean =>
    after === '' || compareKeys(key, after) > 0 || (key === after && afterId !== '' && id > afterId);
  const page = pageOf(uploads.list(bucket), { prefix, delimiter, after, maxKeys, isBehind });
  const last = page.items.at(-1);
  const document = s3Document('ListMultipartUploadsResult', {
    Bucket: bucket,
    KeyMarker: encode(after),
    UploadIdMarker: afterId,
    NextKeyMarker: page.next === undefined ? undefined : encode(page.next),
    NextUploadIdMarker: page.next !== undefined && page.next === last?.key ? last.id : undefined,
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    Prefix: encode(prefix),
    EncodingType: type,
    MaxUploads: maxKeys,
    IsTruncated: page.next !== undefined,
    Upload: page.items.map((upload) => uploadFields(upload, encode, ownerOf(accountId))),
    CommonPrefixes: page.commonPrefixes.map((one) => ({ Prefix: encode(one) })),
  });
  return xmlAnswer(document);
}

function uploadFields(
  upload: MultipartUpload,
  encode: (name: string) => string,
  owner: XmlFields,
): XmlFields {
  return {
    Key: encode(upload.key),
    UploadId: upload.id,
    Initiator: owner,
    Owner: owner,
    StorageClass: upload.headers['x-amz-storage-class'] ?? 'STANDARD',
    Initiated: new Date(upload.initiatedMs).toISOString(),
    ...(upload.isChosen
      ? { ChecksumAlgorithm: upload.algorithm.toUpperCase(), ChecksumType: upload.type }
      : {}),
  };
}

export function listParts(
  { bucket, key, query }: S3Call,
  { uploads, accountId }: OperationContext,
): S3Answer {
  const upload = uploads.find(query.get('uploadId'), bucket, key);
  const most = pageSizeOf(query, 'max-parts', MOST);
  const after = pageSizeOf(query, 'part-number-marker', Number.MAX_SAFE_INTEGER);
  const marker = query.has('part-number-marker') ? after : 0;
  const { type, encode } = encoderOf(query);
  const left = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
  const page = left.slice(0, most);
  const document = s3Document('ListPartsResult', {
    Bucket: bucket,
    Key: encode(key),
    EncodingType: type,
    UploadId: upload.id,
    Initiator: ownerOf(accountId),
    Owner: ownerOf(accountId),
    StorageClass: upload.headers['x-amz-storage-class'] ?? 'STANDARD',
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.[0],
    MaxParts: most,
    IsTruncated: left.length > page.length,
    ...(upload.isChosen
      ? { ChecksumAlgorithm: upload.algorithm.toUpperCase(), ChecksumType: upload.type }
      : {}),
    Part: page.map(([number, part]) => partFields(number, part)),
  });
  return xmlAnswer(document);
}

function partFields(number: number, part: UploadedPart): XmlFields {
  const sums = Object.entries(part.checksums).filter(([, value]) => typeOfChecksum(value) === 'FULL_OBJECT');
  return {
    PartNumber: number,
    LastModified: new Date(part.lastModifiedMs).toISOString(),
    ETag: `"${part.etag}"`,
    Size: part.sizeBytes,
    ...Object.fromEntries(sums.map(([name, value]) => [`Checksum${name.toUpperCase()}`, value])),
  };
}
