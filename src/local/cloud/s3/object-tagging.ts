import { receiveText } from './body.js';
import { xmlAnswer, type OperationContext, type S3Answer, type S3Call } from './call.js';
import { s3Errors } from './errors.js';
import { allowChildren, childText, parseXml } from './request-xml.js';
import { checkTags } from './tags.js';
import { s3Document } from './xml.js';

export function getObjectTagging({ bucket, key }: S3Call, { store }: OperationContext): S3Answer {
  const object = store.get(bucket, key);
  if (object === undefined) throw s3Errors.noSuchKey(key);
  const tags = Object.entries(object.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  return xmlAnswer(s3Document('Tagging', { TagSet: { Tag: tags } }));
}

export async function putObjectTagging(call: S3Call, { store, clock }: OperationContext): Promise<S3Answer> {
  const root = parseXml(await receiveText(call, store.incoming(), clock), 'Tagging');
  allowChildren(root, ['TagSet']);
  const [set, ...others] = root.children;
  if (set === undefined || others.length > 0) throw s3Errors.malformedXml();
  allowChildren(set, ['Tag']);
  const entries = set.children.map((tag): [string, string] => {
    allowChildren(tag, ['Key', 'Value']);
    const [name, value] = [childText(tag, 'Key'), childText(tag, 'Value')];
    if (name === undefined || value === undefined) throw s3Errors.malformedXml();
    return [name, value];
  });
  await store.update(call.bucket, call.key, { tags: checkTags(entries) });
  return { status: 200, headers: {} };
}

export async function deleteObjectTagging(
  { bucket, key }: S3Call,
  { store }: OperationContext,
): Promise<S3Answer> {
  await store.update(bucket, key, { tags: {} });
  return { status: 204, headers: {} };
}
