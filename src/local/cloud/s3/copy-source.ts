import type { OperationContext, S3Call } from './call.js';
import type { OpenFile } from './disk-files.js';
import { s3Errors } from './errors.js';
import { failedCondition, readConditionsOf } from './read-conditions.js';
import type { StoredObject } from './stored-object.js';

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
}

/** Of x-amz-copy-source: `[/]bucket/key`, percent-encoded, of this version only. Throws InvalidArgument. */
function parseCopySource(header: string): CopySource {
  const [path = '', ...versions] = header.split('?versionId=');
  if (versions.some((version) => version !== 'null'))
    throw s3Errors.invalidArgument('Invalid version id specified', { ArgumentName: 'x-amz-copy-source' });
  let plain: string;
  try {
    plain = decodeURIComponent(path).replace(/^\//, '');
  } catch {
    throw s3Errors.invalidArgument('Invalid copy source encoding', { ArgumentName: 'x-amz-copy-source' });
  }
  if (plain.startsWith('arn:')) throw s3Errors.notImplemented('copies from access points');
  const slash = plain.indexOf('/');
  if (slash < 1 || slash === plain.length - 1)
    throw s3Errors.invalidArgument('Invalid copy source object key', {
      ArgumentName: 'x-amz-copy-source',
      ArgumentValue: header,
    });
  return { bucket: plain.slice(0, slash), key: plain.slice(slash + 1) };
}

/** The source as it is now, to be closed. Throws AccessDenied, NoSuchKey, NoSuchBucket, or PreconditionFailed. */
export async function openCopySource(
  { headers, refusal }: S3Call,
  { store }: OperationContext,
): Promise<{ source: CopySource; object: StoredObject; file: OpenFile }> {
  const source = parseCopySource(headers['x-amz-copy-source'] ?? '');
  const { bucket, key } = source;
  const refused = refusal('s3:GetObject', bucket, key);
  if (refused !== undefined) throw s3Errors.accessDenied(refused);
  const opened = await store.openObject(bucket, key);
  if (opened === undefined) {
    const hidden = refusal('s3:ListBucket', bucket);
    throw hidden === undefined ? s3Errors.noSuchKey(key) : s3Errors.accessDenied(hidden);
  }
  const failed = failedCondition(opened.object, readConditionsOf(headers, 'x-amz-copy-source-'));
  if (failed === undefined) return { source, ...opened };
  await opened.file.close();
  throw s3Errors.preconditionFailed(`x-amz-copy-source-${failed.condition}`);
}
