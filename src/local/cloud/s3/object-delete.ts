import { receiveText } from './body.js';
import { xmlAnswer, type OperationContext, type S3Answer, type S3Call } from './call.js';
import { CHECKSUM_ALGORITHMS } from './checksums.js';
import { S3Error, s3Errors } from './errors.js';
import { allowChildren, childText, parseXml, type XmlNode } from './request-xml.js';
import { s3Document, type XmlFields } from './xml.js';

const MAX_OBJECTS = 1000;

export async function deleteObject(
  { bucket, key, headers }: S3Call,
  { store }: OperationContext,
): Promise<S3Answer> {
  await store.delete(bucket, key, headers['if-match']);
  return { status: 204, headers: {} };
}

interface ToDelete {
  readonly key: string;
  readonly etag: string | undefined;
  readonly versionId: string | undefined;
}

export async function deleteObjects(call: S3Call, context: OperationContext): Promise<S3Answer> {
  const { bucket, headers } = call;
  const { store, clock } = context;
  const isGuarded =
    'content-md5' in headers ||
    'x-amz-trailer' in headers ||
    CHECKSUM_ALGORITHMS.some((name) => `x-amz-checksum-${name}` in headers);
  if (!isGuarded)
    throw s3Errors.invalidRequest(
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  if (!store.hasBucket(bucket)) throw s3Errors.noSuchBucket(bucket);
  const root = parseXml(await receiveText(call, store.incoming(), clock), 'Delete');
  allowChildren(root, ['Object', 'Quiet']);
  const objects = root.children.filter(({ name }) => name === 'Object').map(readObject);
  if (objects.length === 0 || objects.length > MAX_OBJECTS) throw s3Errors.malformedXml();
  const deleted: XmlFields[] = [];
  const failed: XmlFields[] = [];
  for (const object of objects) {
    const error = await tryDelete(call, context, object);
    if (error === undefined) deleted.push({ Key: object.key });
    else failed.push({ Key: object.key, Code: error.code, Message: error.message });
  }
  const isQuiet = childText(root, 'Quiet')?.toLowerCase() === 'true';
  return xmlAnswer(s3Document('DeleteResult', { Deleted: isQuiet ? [] : deleted, Error: failed }));
}

function readObject(node: XmlNode): ToDelete {
  allowChildren(node, ['Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size']);
  // Conditions that only directory buckets have: without them more would be deleted than was asked for.
  for (const name of ['LastModifiedTime', 'Size'])
    if (childText(node, name) !== undefined)
      throw s3Errors.notImplemented(`the condition ${name} of a delete`);
  const key = childText(node, 'Key');
  if (key === undefined || key === '') throw s3Errors.malformedXml();
  return { key, etag: childText(node, 'ETag'), versionId: childText(node, 'VersionId') };
}

async function tryDelete(
  { bucket, refusal }: S3Call,
  { store }: OperationContext,
  { key, etag, versionId }: ToDelete,
): Promise<S3Error | undefined> {
  const refused = refusal('s3:DeleteObject', bucket, key);
  if (refused !== undefined) return s3Errors.accessDenied(refused);
  if (versionId !== undefined && versionId !== 'null') return s3Errors.noSuchVersion(versionId);
  try {
    await store.delete(bucket, key, etag);
    return undefined;
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}
