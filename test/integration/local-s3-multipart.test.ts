import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListBucketsCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { startTestS3, TEST_BUCKET as Bucket, type TestS3 } from '../lib/s3.js';

const FIVE_MIB = 5 * 1024 * 1024;
const Key = 'large.zip';

/** As the upload managers of the SDKs do it, gdk's among them. */
describe('local S3, multipart uploads', () => {
  let test: TestS3;
  let client: S3Client;
  let UploadId: string | undefined;
  beforeEach(async () => {
    test = await startTestS3();
    client = test.client();
    ({ UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key })));
  });
  afterEach(async () => test[Symbol.asyncDispose]());

  const part = async (PartNumber: number, Body: Buffer): Promise<{ PartNumber: number; ETag?: string }> => {
    const { ETag = '' } = await client.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
    );
    return { PartNumber, ETag };
  };
  const complete = (Parts: { PartNumber: number; ETag?: string }[], more = {}) =>
    client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
    );

  it('joins the parts by number, however they came, and forgets the upload', async () => {
    const bytes = Buffer.alloc(FIVE_MIB + 7, 'abcdefg');
    const last = await part(2, bytes.subarray(FIVE_MIB));
    await part(1, Buffer.from('replaced by the next'));
    const first = await part(1, bytes.subarray(0, FIVE_MIB));
    assert.match((await complete([first, last])).ETag ?? '', /^"[0-9a-f]{32}-2"$/);
    assert.deepEqual(await readFile(test.s3.path(Bucket, Key)), bytes);
    const got = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), bytes);
    await assert.rejects(complete([first, last]), { name: 'NoSuchUpload' });
    assert.deepEqual(await readdir(join(test.folder, '.incoming')), []);
  });

  it('refuses parts out of order, unknown, changed or too small, and stores nothing', async () => {
    const first = await part(1, Buffer.from('small'));
    const last = await part(2, Buffer.from('end'));
    await assert.rejects(complete([first, last]), { name: 'EntityTooSmall' });
    await assert.rejects(complete([last, first]), { name: 'InvalidPartOrder' });
    await assert.rejects(complete([{ PartNumber: 3, ETag: last.ETag ?? '' }]), { name: 'InvalidPart' });
    await assert.rejects(complete([{ PartNumber: 1, ETag: last.ETag ?? '' }]), { name: 'InvalidPart' });
    await assert.rejects(complete([]), { name: 'MalformedXML' });
    await assert.rejects(part(0, Buffer.from('x')), { name: 'InvalidArgument' });
    assert.equal(test.s3.objects(Bucket).length, 0);
  });

  it('keeps to If-None-Match, and an aborted upload leaves nothing', async () => {
    await complete([await part(1, Buffer.from('first'))]);
    ({ UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key })));
    const parts = [await part(1, Buffer.from('second'))];
    await assert.rejects(complete(parts, { IfNoneMatch: '*' }), { name: 'PreconditionFailed' });
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    assert.equal(await readFile(test.s3.path(Bucket, Key), 'utf8'), 'first');
    assert.deepEqual(await readdir(join(test.folder, '.incoming')), []);
  });

  it('lists its buckets', async () => {
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    assert.deepEqual(
      Buckets?.map(({ Name }) => Name),
      [Bucket],
    );
  });
});
