import assert from 'node:assert/strict';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { startTestS3, TEST_BUCKET as Bucket, type TestS3 } from '../../lib/s3.js';

const BUCKET_ARN = `arn:aws:s3:::${Bucket}`;

/** The rights of one request at local S3, as it asks whether the keys have them. */
describe('rights at local S3', () => {
  const asked: string[] = [];
  const denied = new Set<string>();
  let test: TestS3;
  let client: S3Client;
  before(async () => {
    test = await startTestS3({
      refusal: (_, needs) => {
        asked.push(...needs.map(({ action, resource }) => `${action} ${resource}`));
        const missing = needs.find(({ action, resource }) => denied.has(`${action} ${resource}`));
        return missing === undefined ? undefined : `no right to ${missing.action}`;
      },
    });
    client = test.client();
  });
  after(async () => test[Symbol.asyncDispose]());
  beforeEach(async () => {
    denied.clear();
    for (const Key of ['a', 'b']) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    asked.length = 0;
  });

  const rightsOf = async (sent: Promise<unknown>): Promise<string[]> => {
    await sent.catch(() => undefined);
    return [...asked];
  };
  const codeOf = (sent: Promise<unknown>): Promise<string> =>
    sent.then(
      () => 'done',
      (error: Error) => error.name,
    );

  it('are asked for by the operation, its target and its headers', async () => {
    const put = new PutObjectCommand({ Bucket, Key: 'c', Body: 'x', Tagging: 'k=v', IfMatch: '"x"' });
    assert.deepEqual(await rightsOf(client.send(put)), [
      `s3:PutObject ${BUCKET_ARN}/c`,
      `s3:PutObjectTagging ${BUCKET_ARN}/c`,
      `s3:GetObject ${BUCKET_ARN}/c`,
    ]);
    asked.length = 0;
    assert.deepEqual(await rightsOf(client.send(new ListObjectsV2Command({ Bucket }))), [
      `s3:ListBucket ${BUCKET_ARN}`,
    ]);
    asked.length = 0;
    assert.deepEqual(await rightsOf(client.send(new ListBucketsCommand({}))), ['s3:ListAllMyBuckets *']);
  });

  it('of a copy are those of its source, too', async () => {
    denied.add(`s3:GetObject ${BUCKET_ARN}/a`);
    const CopySource = `${Bucket}/a`;
    assert.equal(
      await codeOf(client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource }))),
      'AccessDenied',
    );
    assert.ok(asked.includes(`s3:PutObject ${BUCKET_ARN}/c`));
    const part = { Bucket, Key: 'c', CopySource, UploadId: 'none', PartNumber: 1 };
    assert.equal(await codeOf(client.send(new UploadPartCopyCommand(part))), 'NoSuchUpload');
    assert.equal(test.s3.objects(Bucket).length, 2);
  });

  it('of many deletes are asked for key by key', async () => {
    denied.add(`s3:DeleteObject ${BUCKET_ARN}/a`);
    const Delete = { Objects: [{ Key: 'a' }, { Key: 'b' }] };
    const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
    assert.deepEqual(
      [Deleted?.map(({ Key }) => Key), Errors?.map(({ Key, Code }) => [Key, Code])],
      [['b'], [['a', 'AccessDenied']]],
    );
    assert.deepEqual(
      test.s3.objects(Bucket).map(({ key }) => key),
      ['a'],
    );
  });

  it('to list decide whether an absent object is told', async () => {
    const get = (): Promise<string> => codeOf(client.send(new GetObjectCommand({ Bucket, Key: 'absent' })));
    const head = async (): Promise<unknown> =>
      await client.send(new HeadObjectCommand({ Bucket, Key: 'absent' })).then(
        () => 200,
        (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode,
      );
    assert.deepEqual([await get(), await head()], ['NoSuchKey', 404]);
    denied.add(`s3:ListBucket ${BUCKET_ARN}`);
    assert.deepEqual([await get(), await head()], ['AccessDenied', 403]);
  });
});
