import { MAX_BODY_BYTES } from './body.js';
import { copyRange } from './byte-range.js';
import { xmlAnswer, type OperationContext, type S3Answer, type S3Call } from './call.js';
import {
  DEFAULT_ALGORITHM,
  isChecksumAlgorithm,
  typeOfChecksum,
  type ChecksumAlgorithm,
} from './checksums.js';
import { openCopySource, type CopySource } from './copy-source.js';
import { removeFile } from './disk-files.js';
import { s3Errors } from './errors.js';
import { partNumberOf } from './multipart.js';
import { contentHeaders, encryptionOf, etagOf, placeHeaders, tagsOf } from './object-headers.js';
import type { StoredObject } from './stored-object.js';
import { writeSummed, type SummedFile } from './summed-copy.js';
import { writeConditionsOf } from './write-conditions.js';
import { s3Document } from './xml.js';

const MIN_RANGED_SOURCE_BYTES = 5 * 1024 * 1024;

export async function copyObject(call: S3Call, context: OperationContext): Promise<S3Answer> {
  const { bucket, key, headers: asked } = call;
  const { store, clock } = context;
  refuseBody(call);
  const conditions = writeConditionsOf(asked);
  const replacesMetadata = isReplaced(asked, 'x-amz-metadata-directive');
  const replacesTags = isReplaced(asked, 'x-amz-tagging-directive');
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket(bucket);
  const { source, object, file } = await openCopySource(call, context);
  const copied = store.incoming();
  try {
    refuseIdleCopy(call, source, replacesMetadata);
    if (object.sizeBytes > MAX_BODY_BYTES) throw tooLarge();
    const headers = {
      ...(replacesMetadata ? contentHeaders(asked) : metadataOf(object)),
      ...placeHeaders(asked),
    };
    const sums = await writeSummed(copied, file.pieces(0, object.sizeBytes), [algorithmOf(asked, object)]);
    const { sizeBytes, checksums } = sums;
    const etag = etagOf(sums.md5Hex, headers);
    const lastModifiedMs = clock.wallMs();
    const tags = replacesTags ? tagsOf(asked) : object.tags === undefined ? {} : { tags: object.tags };
    const made = { key, sizeBytes, etag, lastModifiedMs, headers, checksums, ...tags };
    await store.commit(bucket, made, copied, conditions);
    return copyAnswer('CopyObjectResult', etag, lastModifiedMs, sums, headers, 'FULL_OBJECT');
  } finally {
    await file.close();
    await removeFile(copied);
  }
}

export async function uploadPartCopy(call: S3Call, context: OperationContext): Promise<S3Answer> {
  const { bucket, key, query, headers: asked } = call;
  const { store, uploads, clock } = context;
  refuseBody(call);
  const upload = uploads.find(query.get('uploadId'), bucket, key);
  const number = partNumberOf(query);
  const { object, file } = await openCopySource(call, context);
  const copied = store.incoming();
  try {
    const { start, endExclusive } = partRange(asked['x-amz-copy-source-range'], object.sizeBytes);
    if (endExclusive - start > MAX_BODY_BYTES) throw tooLarge();
    const sums = await writeSummed(copied, file.pieces(start, endExclusive), [upload.algorithm]);
    const etag = etagOf(sums.md5Hex, upload.headers);
    const lastModifiedMs = clock.wallMs();
    await uploads.add(upload, number, { ...sums, file: copied, etag, lastModifiedMs });
    return copyAnswer('CopyPartResult', etag, lastModifiedMs, sums, upload.headers);
  } catch (error) {
    await removeFile(copied);
    throw error;
  } finally {
    await file.close();
  }
}

function partRange(header: string | undefined, sizeBytes: number): { start: number; endExclusive: number } {
  if (header === undefined) return { start: 0, endExclusive: sizeBytes };
  const range = copyRange(header, sizeBytes);
  if (sizeBytes <= MIN_RANGED_SOURCE_BYTES)
    throw s3Errors.invalidRequest('The specified copy source is not supported as a byte-range copy source');
  return range;
}

/** A copy sends no bytes: those that come with it would be lost in silence. */
function refuseBody({ headers }: S3Call): void {
  if (Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined)
    throw s3Errors.invalidRequest('You can only specify a copy source header for copy requests.');
}

function isReplaced(headers: S3Call['headers'], name: string): boolean {
  const directive = headers[name] ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE')
    throw s3Errors.invalidArgument(
      `Unknown ${name.includes('tagging') ? 'tagging' : 'metadata'} directive.`,
      {
        ArgumentName: name,
        ArgumentValue: directive,
      },
    );
  return directive === 'REPLACE';
}

function refuseIdleCopy(
  { bucket, key, headers }: S3Call,
  source: CopySource,
  replacesMetadata: boolean,
): void {
  const isSame = source.bucket === bucket && source.key === key;
  const changes =
    replacesMetadata || 'x-amz-storage-class' in headers || 'x-amz-server-side-encryption' in headers;
  if (isSame && !changes)
    throw s3Errors.invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
}

/** Without how the source is kept: a copy says that anew. */
function metadataOf({ headers }: StoredObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^x-amz-(server-side-encryption|storage-class)/.test(name)),
  );
}

function algorithmOf(asked: S3Call['headers'], { checksums }: StoredObject): ChecksumAlgorithm {
  const wanted = asked['x-amz-checksum-algorithm']?.toLowerCase();
  if (wanted !== undefined && !isChecksumAlgorithm(wanted))
    throw s3Errors.invalidRequest('Checksum algorithm provided is unsupported.');
  const [ofSource] = Object.entries(checksums).filter(([, value]) => typeOfChecksum(value) === 'FULL_OBJECT');
  const inherited = ofSource?.[0] ?? DEFAULT_ALGORITHM;
  return wanted ?? (isChecksumAlgorithm(inherited) ? inherited : DEFAULT_ALGORITHM);
}

function tooLarge(): Error {
  return s3Errors.invalidRequest(
    `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_BODY_BYTES}`,
  );
}

function copyAnswer(
  root: 'CopyObjectResult' | 'CopyPartResult',
  etag: string,
  lastModifiedMs: number,
  { checksums }: SummedFile,
  headers: Readonly<Record<string, string>>,
  type?: 'FULL_OBJECT',
): S3Answer {
  const sums = Object.entries(checksums).map(
    ([name, value]) => [`Checksum${name.toUpperCase()}`, value] as const,
  );
  const document = s3Document(root, {
    LastModified: new Date(lastModifiedMs).toISOString(),
    ETag: `"${etag}"`,
    ChecksumType: type,
    ...Object.fromEntries(sums),
  });
  return xmlAnswer(document, encryptionOf(headers));
}
