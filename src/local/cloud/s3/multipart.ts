import { receiveBody, receiveText, type ReceivedBody } from './body.js';
import { xmlAnswer, type OperationContext, type S3Answer, type S3Call } from './call.js';
import {
  DEFAULT_ALGORITHM,
  isChecksumAlgorithm,
  type ChecksumAlgorithm,
  type ChecksumType,
} from './checksums.js';
import { removeFile } from './disk-files.js';
import { s3Errors } from './errors.js';
import { joinParts } from './join-parts.js';
import { encryptionOf, etagOf, objectHeaders, tagsOf } from './object-headers.js';
import { chosenParts, readPartList } from './part-list.js';
import type { MultipartUpload, UploadedPart } from './uploads.js';
import { writeConditionsOf } from './write-conditions.js';
import { s3Document } from './xml.js';

const MAX_PARTS = 10_000;

export function createMultipartUpload(call: S3Call, { store, uploads, clock }: OperationContext): S3Answer {
  const { bucket, key } = call;
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket(bucket);
  const headers = objectHeaders(call.headers);
  const checksum = checksumPlan(call.headers);
  const plan = { bucket, key, headers, initiatedMs: clock.wallMs(), ...checksum, ...tagsOf(call.headers) };
  const { id, algorithm, type, isChosen } = uploads.begin(plan);
  return xmlAnswer(s3Document('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id }), {
    ...encryptionOf(headers),
    ...(isChosen ? { 'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': type } : {}),
  });
}

/** Which checksum the whole gets. Throws InvalidRequest for what S3 does not offer. */
function checksumPlan(headers: S3Call['headers']): {
  algorithm: ChecksumAlgorithm;
  type: ChecksumType;
  isChosen: boolean;
} {
  const wanted = headers['x-amz-checksum-algorithm']?.toLowerCase();
  const type = headers['x-amz-checksum-type']?.toUpperCase();
  if (wanted === undefined) {
    if (type !== undefined)
      throw s3Errors.invalidRequest(
        'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
      );
    return { algorithm: DEFAULT_ALGORITHM, type: 'FULL_OBJECT', isChosen: false };
  }
  if (!isChecksumAlgorithm(wanted))
    throw s3Errors.invalidRequest(
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    );
  const usual = wanted === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE';
  const chosen = type ?? usual;
  if (chosen !== 'FULL_OBJECT' && chosen !== 'COMPOSITE')
    throw s3Errors.invalidRequest('Value for x-amz-checksum-type header is invalid.');
  const isSha = wanted === 'sha1' || wanted === 'sha256';
  if ((isSha && chosen === 'FULL_OBJECT') || (wanted === 'crc64nvme' && chosen === 'COMPOSITE'))
    throw s3Errors.invalidRequest(
      `The ${chosen} checksum type cannot be used with the ${wanted} checksum algorithm.`,
    );
  return { algorithm: wanted, type: chosen, isChosen: true };
}

export function partNumberOf(query: URLSearchParams): number {
  const number = Number(query.get('partNumber') ?? '');
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS)
    throw s3Errors.invalidArgument(`Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, {
      ArgumentName: 'partNumber',
      ArgumentValue: query.get('partNumber') ?? '',
    });
  return number;
}

export async function uploadPart(
  call: S3Call,
  { store, uploads, clock }: OperationContext,
): Promise<S3Answer> {
  const { bucket, key, query } = call;
  const upload = uploads.find(query.get('uploadId'), bucket, key);
  const number = partNumberOf(query);
  const file = store.incoming();
  try {
    const body = await receiveBody(call, file, clock, upload.algorithm);
    checkAlgorithm(upload, body);
    const etag = etagOf(body.md5Hex, upload.headers);
    await uploads.add(upload, number, { ...body, file, etag, lastModifiedMs: clock.wallMs() });
    const shown = body.sent ?? upload.algorithm;
    const sum = body.checksums[shown];
    return {
      status: 200,
      headers: {
        etag: `"${etag}"`,
        ...encryptionOf(upload.headers),
        ...(sum === undefined ? {} : { [`x-amz-checksum-${shown}`]: sum }),
      },
    };
  } catch (error) {
    await removeFile(file);
    throw error;
  }
}

/** An upload that was begun with an algorithm takes parts with its checksums only. */
function checkAlgorithm({ isChosen, algorithm }: MultipartUpload, { sent }: ReceivedBody): void {
  if (!isChosen || sent === algorithm) return;
  throw s3Errors.invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${algorithm}, actual checksum Type: ${sent ?? 'null'}`,
  );
}

/** Joins the parts that the request lists, in the order of their numbers. */
export async function completeMultipartUpload(call: S3Call, context: OperationContext): Promise<S3Answer> {
  const { bucket, key, query, headers } = call;
  const { store, uploads, clock } = context;
  const upload = uploads.find(query.get('uploadId'), bucket, key);
  const conditions = writeConditionsOf(headers);
  const listed = readPartList(await receiveText(withoutObjectChecksum(call), store.incoming(), clock));
  return await uploads.alone(upload, async () => {
    const parts = chosenParts(upload, listed);
    checkSize(headers['x-amz-mp-object-size'], parts);
    const joined = store.incoming();
    try {
      const whole = await joinParts(upload, parts, joined);
      checkChecksum(call, upload, whole.checksum);
      const object = {
        key,
        sizeBytes: whole.sizeBytes,
        etag: whole.etag,
        lastModifiedMs: clock.wallMs(),
        headers: upload.headers,
        checksums: { [upload.algorithm]: whole.checksum },
        parts: parts.map(({ sizeBytes }) => sizeBytes),
        ...(upload.tags === undefined ? {} : { tags: upload.tags }),
      };
      await store.commit(bucket, object, joined, conditions);
      await uploads.end(upload);
      return completed(call, upload, whole);
    } finally {
      await removeFile(joined);
    }
  });
}

/** Here a checksum header speaks of the object, not of the body. */
function withoutObjectChecksum(call: S3Call): S3Call {
  const headers = Object.fromEntries(
    Object.entries(call.headers).filter(([name]) => !/^x-amz-(sdk-)?checksum-/.test(name)),
  );
  return { ...call, headers };
}

function checkSize(announced: string | undefined, parts: readonly UploadedPart[]): void {
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (announced !== undefined && Number(announced) !== sizeBytes)
    throw s3Errors.invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${announced} does not match what was computed: ${sizeBytes}`,
    );
}

function checkChecksum({ headers }: S3Call, { algorithm, type }: MultipartUpload, checksum: string): void {
  const wantedType = headers['x-amz-checksum-type']?.toUpperCase() ?? type;
  if (wantedType !== type)
    throw s3Errors.invalidRequest(
      `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    );
  const wanted = headers[`x-amz-checksum-${algorithm}`];
  const isSame = wanted === checksum || wanted === checksum.split('-', 1)[0];
  if (wanted !== undefined && !isSame) throw s3Errors.badDigest(algorithm.toUpperCase());
}

function completed(
  { bucket, key }: S3Call,
  { algorithm, type, headers }: MultipartUpload,
  { etag, checksum }: { readonly etag: string; readonly checksum: string },
): S3Answer {
  const document = s3Document('CompleteMultipartUploadResult', {
    Location: `/${bucket}/${encodeURIComponent(key)}`,
    Bucket: bucket,
    Key: key,
    ETag: `"${etag}"`,
    [`Checksum${algorithm.toUpperCase()}`]: checksum,
    ChecksumType: type,
  });
  return xmlAnswer(document, encryptionOf(headers));
}

export async function abortMultipartUpload(call: S3Call, { uploads }: OperationContext): Promise<S3Answer> {
  const upload = uploads.find(call.query.get('uploadId'), call.bucket, call.key);
  await uploads.alone(upload, () => uploads.end(upload));
  return { status: 204, headers: {} };
}
