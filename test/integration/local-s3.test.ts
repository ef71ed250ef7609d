import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
  type S3Client,
} from '@aws-sdk/client-s3';
import { startLocalS3, type Fault } from '../../src/local/cloud/s3/mod.js';
import { startTestS3, TEST_BUCKET as Bucket, TEST_CREDENTIALS, type TestS3 } from '../lib/s3.js';

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

async function failure(promise: Promise<unknown>): Promise<{ status: number | undefined; code: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof S3ServiceException)
      return { status: error.$metadata.httpStatusCode, code: error.name };
    return { status: undefined, code: (error as NodeJS.ErrnoException).code ?? (error as Error).name };
  }
  throw new assert.AssertionError({ message: 'the request succeeded' });
}

describe('local S3 with the official client', () => {
  let test: TestS3;
  let client: S3Client;
  beforeEach(async () => {
    test = await startTestS3();
    client = test.client();
  });
  afterEach(async () => test[Symbol.asyncDispose]());

  const put = (Key: string, Body: Uint8Array | string, more = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

  it('gives back what was put, with its headers, ETag and checksum', async () => {
    const bytes = Buffer.from('{"a":1}\n');
    const answer = await put('p/2026/x.jsonl', bytes, {
      ContentType: 'application/jsonlines',
      ContentEncoding: 'gzip',
      ChecksumSHA256: sha256(bytes),
    });
    assert.equal(answer.ETag, `"${createHash('md5').update(bytes).digest('hex')}"`);
    assert.equal(answer.ChecksumSHA256, sha256(bytes));
    assert.equal(answer.ServerSideEncryption, 'AES256');
    const got = await client.send(
      new GetObjectCommand({ Bucket, Key: 'p/2026/x.jsonl', ChecksumMode: 'ENABLED' }),
    );
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), bytes);
    assert.equal(got.ContentType, 'application/jsonlines');
    assert.equal(got.ContentEncoding, 'gzip');
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'p/2026/x.jsonl' }));
    assert.equal(head.ContentLength, bytes.length);
    assert.deepEqual(await readFile(test.s3.path(Bucket, 'p/2026/x.jsonl')), bytes);
  });

  it('gives no MD5 as the ETag of what KMS encrypts', async () => {
    const encryption = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1' };
    const answer = await put('secret', 'x', encryption);
    assert.match(answer.ETag ?? '', /^"[0-9a-f]{32}"$/);
    assert.notEqual(answer.ETag, `"${createHash('md5').update('x').digest('hex')}"`);
    assert.equal(answer.SSEKMSKeyId, 'key-1');
  });

  it('takes a 24 MB stream as aws-chunked with a trailer and stores its bytes unchanged', async () => {
    const bytes = Buffer.alloc(24 * 1024 * 1024, 'abcdefgh');
    const Body = Readable.from([bytes.subarray(0, 5_000_000), bytes.subarray(5_000_000)]);
    await client.send(new PutObjectCommand({ Bucket, Key: 'big', Body, ContentLength: bytes.length }));
    assert.equal(test.s3.log.at(-1)?.headers['x-amz-content-sha256'], 'STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    assert.deepEqual(await readFile(test.s3.path(Bucket, 'big')), bytes);
  });

  it('keeps keys that no file system holds as they are', async () => {
    const keys = [
      'a',
      'a/b',
      'a//c',
      'a/../up',
      'sp ace+plus/ä€',
      'q?x=1&y',
      `${'n'.repeat(300)}/end`,
      "it's(1)*!~",
    ];
    for (const key of keys) await put(key, `body of ${key}`);
    for (const Key of keys) {
      const got = await client.send(new GetObjectCommand({ Bucket, Key }));
      assert.equal(await got.Body?.transformToString(), `body of ${Key}`);
    }
    const listed = await client.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }));
    assert.equal(listed.KeyCount, keys.length);
  });

  it('lists in pages, by prefix and by delimiter', async () => {
    for (let index = 0; index < 25; index++)
      await put(`d${index % 5}/k${String(index).padStart(2, '0')}`, 'x');
    const keys: string[] = [];
    let token: string | undefined;
    let pages = 0;
    do {
      const page = await client.send(
        new ListObjectsV2Command({
          Bucket,
          MaxKeys: 7,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      );
      keys.push(...(page.Contents ?? []).map((object) => object.Key ?? ''));
      token = page.NextContinuationToken;
      pages++;
    } while (token !== undefined);
    assert.equal(pages, 4);
    assert.deepEqual(keys, [...keys].sort());
    assert.equal(new Set(keys).size, 25);
    const folders = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 3 }));
    assert.deepEqual(
      folders.CommonPrefixes?.map((prefix) => prefix.Prefix),
      ['d0/', 'd1/', 'd2/'],
    );
    const more = await client.send(
      new ListObjectsV2Command({ Bucket, Delimiter: '/', ContinuationToken: folders.NextContinuationToken }),
    );
    assert.deepEqual(
      more.CommonPrefixes?.map((prefix) => prefix.Prefix),
      ['d3/', 'd4/'],
    );
  });

  it('refuses a second put under If-None-Match: * with 412 and keeps the first bytes', async () => {
    await put('once', 'first', { IfNoneMatch: '*' });
    assert.deepEqual(await failure(put('once', 'second', { IfNoneMatch: '*' })), {
      status: 412,
      code: 'PreconditionFailed',
    });
    assert.equal(await readFile(test.s3.path(Bucket, 'once'), 'utf8'), 'first');
  });

  it('lets one of many concurrent conditional puts of a key win', async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => put('race', `body ${index}`, { IfNoneMatch: '*' })),
    );
    assert.equal(all.filter((one) => one.status === 'fulfilled').length, 1);
  });

  it('refuses a wrong secret, an unknown key, a wrong and an expired token', async () => {
    let expiration = new Date(Date.now() + 60_000);
    const find = (id: string) =>
      id === TEST_CREDENTIALS.accessKeyId ? { ...TEST_CREDENTIALS, expiration } : undefined;
    await using other = await startTestS3({ credentials: find });
    const list = (credentials: typeof TEST_CREDENTIALS | Record<keyof typeof TEST_CREDENTIALS, string>) =>
      failure(other.client({ credentials }).send(new ListObjectsV2Command({ Bucket })));
    assert.deepEqual(await list({ ...TEST_CREDENTIALS, secretAccessKey: 'x' }), {
      status: 403,
      code: 'SignatureDoesNotMatch',
    });
    assert.equal((await list({ ...TEST_CREDENTIALS, accessKeyId: 'AKIDOTHER' })).code, 'InvalidAccessKeyId');
    assert.equal((await list({ ...TEST_CREDENTIALS, sessionToken: 'other' })).code, 'InvalidToken');
    expiration = new Date(Date.now() - 1);
    assert.deepEqual(await list(TEST_CREDENTIALS), { status: 400, code: 'ExpiredToken' });
  });

  it('refuses a request without signature, and one changed after signing', async () => {
    const bare = await fetch(`${test.s3.endpoint}/${Bucket}?list-type=2`);
    assert.equal(bare.status, 403);
    assert.match(await bare.text(), /<Code>AccessDenied<\/Code>/);
    client.middlewareStack.add(
      (next) => (args) => {
        (args.request as { path: string }).path += '-changed';
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    assert.equal((await failure(put('k', 'x'))).code, 'SignatureDoesNotMatch');
    assert.equal(test.s3.objects(Bucket).length, 0);
  });

  it('refuses wrong checksums and stores nothing', async () => {
    assert.deepEqual(await failure(put('k', 'x', { ChecksumSHA256: sha256(Buffer.from('y')) })), {
      status: 400,
      code: 'BadDigest',
    });
    assert.equal(
      (await failure(put('k', 'x', { ContentMD5: createHash('md5').update('y').digest('base64') }))).code,
      'BadDigest',
    );
    assert.equal(test.s3.objects(Bucket).length, 0);
  });

  it('verifies every checksum algorithm that the client can send', async () => {
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)
      await put(`sum-${ChecksumAlgorithm}`, 'some bytes', { ChecksumAlgorithm });
    assert.equal(test.s3.objects(Bucket).length, 4);
    // The check value of CRC-64/NVME for "123456789".
    const crc64 = Buffer.from('ae8b14860a799888', 'hex').toString('base64');
    await put('crc64', '123456789', { ChecksumCRC64NVME: crc64 });
  });

  it('makes, finds and locates buckets, and names what is missing', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'another-bucket' }));
    await client.send(new HeadBucketCommand({ Bucket: 'another-bucket' }));
    await client.send(new GetBucketLocationCommand({ Bucket: 'another-bucket' }));
    assert.equal((await failure(client.send(new HeadBucketCommand({ Bucket: 'absent' })))).status, 404);
    assert.equal(
      (await failure(client.send(new ListObjectsV2Command({ Bucket: 'absent' })))).code,
      'NoSuchBucket',
    );
    assert.equal(
      (await failure(client.send(new GetObjectCommand({ Bucket, Key: 'absent' })))).code,
      'NoSuchKey',
    );
    await put('gone', 'x');
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    assert.equal((await failure(client.send(new HeadObjectCommand({ Bucket, Key: 'gone' })))).status, 404);
  });

  it('finds its objects again when started on the same folder', async () => {
    await put('kept/x', 'bytes');
    await test.s3.close();
    const again = await startLocalS3({ folder: test.folder, credentials: [TEST_CREDENTIALS] });
    try {
      assert.deepEqual(
        again.objects(Bucket).map((object) => object.key),
        ['kept/x'],
      );
    } finally {
      await again.close();
    }
  });

  it('logs each request without its secrets', async () => {
    await put('k', 'x');
    const record = test.s3.log.at(-1);
    assert.deepEqual(
      [record?.operation, record?.bucket, record?.key, record?.status],
      ['PutObject', Bucket, 'k', 200],
    );
    assert.doesNotMatch(JSON.stringify(test.s3.log), new RegExp(TEST_CREDENTIALS.sessionToken));
  });

  describe('scripted faults', () => {
    const body = Buffer.alloc(100_000, 'z');
    const once = (fault: Fault): void => {
      let left = 1;
      test.s3.setFaults(() => (left-- > 0 ? fault : undefined));
    };

    it('answers a status with Retry-After', async () => {
      once({ kind: 'status', status: 503, code: 'SlowDown', retryAfterSeconds: 7 });
      assert.deepEqual(await failure(put('k', body)), { status: 503, code: 'SlowDown' });
      await put('k', body);
    });

    for (const kind of ['reset', 'half-body'] as const) {
      it(`drops the connection and stores nothing: ${kind}`, async () => {
        once({ kind });
        assert.equal((await failure(put('k', body))).status, undefined);
        assert.equal(test.s3.objects(Bucket).length, 0);
      });
    }

    it('sends half of a download', async () => {
      await put('k', body);
      once({ kind: 'half-body' });
      const got = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }));
      await assert.rejects(async () => got.Body?.transformToByteArray());
    });

    it('stores the object and loses the answer', async () => {
      once({ kind: 'store-then-drop' });
      assert.equal((await failure(put('k', body))).status, undefined);
      assert.equal(test.s3.objects(Bucket).length, 1);
    });

    it('hangs until the client gives up', async () => {
      once({ kind: 'hang' });
      const command = new PutObjectCommand({ Bucket, Key: 'k', Body: body });
      const code = await failure(client.send(command, { abortSignal: AbortSignal.timeout(50) }));
      assert.equal(code.status, undefined);
    });

    it('reads an upload slowly', async () => {
      once({ kind: 'slow', bytesPerSecond: 1_000_000 });
      const begun = performance.now();
      await put('k', body);
      assert.ok(performance.now() - begun >= 90);
    });

    it('detects a bit that flipped on the way and does not store', async () => {
      once({ kind: 'flip-byte', where: 'transit' });
      const { code } = await failure(put('k', body));
      assert.ok(['BadDigest', 'XAmzContentSHA256Mismatch'].includes(code), code);
      assert.equal(test.s3.objects(Bucket).length, 0);
    });

    it('stores damaged bytes, or answers with another checksum', async () => {
      once({ kind: 'flip-byte', where: 'store' });
      await put('damaged', body);
      assert.notDeepEqual(await readFile(test.s3.path(Bucket, 'damaged')), body);
      once({ kind: 'wrong-checksum' });
      const answer = await put('fine', body, { ChecksumSHA256: sha256(body) });
      assert.notEqual(answer.ChecksumSHA256, sha256(body));
    });
  });
});
