import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type CreateMultipartUploadCommandInput,
  type HeadObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ManualClock } from '../../src/core/mod.js';
import { startTestS3, TEST_BUCKET as Bucket, type TestS3 } from '../lib/s3.js';

const FIVE_MIB = 5 * 1024 * 1024;
const MADE_AT = Date.UTC(2026, 5, 1, 12, 0, 0);
const md5 = (bytes: Uint8Array | string): string => createHash('md5').update(bytes).digest('hex');

describe('local S3, operation by operation, with the official client', () => {
  const clock = new ManualClock(MADE_AT);
  let test: TestS3;
  let client: S3Client;
  beforeEach(async () => {
    clock.jumpWall(MADE_AT);
    test = await startTestS3({ clock });
    client = test.client({ systemClockOffset: MADE_AT - Date.now() });
  });
  afterEach(async () => test[Symbol.asyncDispose]());

  const put = (Key: string, Body: Uint8Array | string = 'x', more = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const copy = (CopySource: string, Key: string, more = {}) =>
    client.send(new CopyObjectCommand({ Bucket, CopySource, Key, ...more }));
  const bytesOf = (Key: string): Promise<Buffer> => readFile(test.s3.path(Bucket, Key));
  const codeOf = async (sent: Promise<unknown>): Promise<string> =>
    await sent.then(
      () => 'done',
      (error: unknown) =>
        error instanceof S3ServiceException
          ? `${error.$metadata.httpStatusCode} ${error.name}`
          : String(error),
    );

  describe('CopyObject', () => {
    it('copies bytes, type, metadata and tags, however its source is written', async () => {
      const about = {
        ContentType: 'text/x',
        Metadata: { a: 'b' },
        Tagging: 'k=v',
        StorageClass: 'STANDARD_IA',
      };
      await put('a b/ä+c', 'the bytes', about);
      for (const source of [`/${Bucket}/a%20b/%C3%A4%2Bc`, `${Bucket}%2Fa%20b%2F%C3%A4%2Bc`]) {
        const { CopyObjectResult } = await copy(source, 'to');
        assert.equal(CopyObjectResult?.ETag, `"${md5('the bytes')}"`);
        assert.equal(CopyObjectResult?.LastModified?.getTime(), MADE_AT);
        assert.equal(CopyObjectResult?.ChecksumType, 'FULL_OBJECT');
        assert.equal((await bytesOf('to')).toString(), 'the bytes');
      }
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'to' }));
      assert.deepEqual([head.ContentType, head.Metadata, head.TagCount], ['text/x', { a: 'b' }, 1]);
      assert.equal(head.StorageClass, undefined);
      assert.equal((await bytesOf('a b/ä+c')).toString(), 'the bytes');
    });

    it('replaces metadata and tags where it is told to', async () => {
      await put('from', 'x', { Metadata: { a: 'b' }, Tagging: 'k=v' });
      const directives = { MetadataDirective: 'REPLACE', TaggingDirective: 'REPLACE' };
      await copy(`${Bucket}/from`, 'to', { ...directives, Metadata: { c: 'd' }, Tagging: 'n=w' });
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'to' }));
      assert.deepEqual(head.Metadata, { c: 'd' });
      const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'to' }));
      assert.deepEqual(TagSet, [{ Key: 'n', Value: 'w' }]);
    });

    it('refuses a copy onto itself that changes nothing, and makes one that does', async () => {
      await put('same', 'x', { Metadata: { a: 'b' } });
      assert.equal(await codeOf(copy(`${Bucket}/same`, 'same')), '400 InvalidRequest');
      await copy(`${Bucket}/same`, 'same', { MetadataDirective: 'REPLACE', Metadata: { a: 'c' } });
      await copy(`${Bucket}/same`, 'same', { StorageClass: 'STANDARD_IA' });
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'same' }));
      assert.deepEqual([head.Metadata, head.StorageClass], [{ a: 'c' }, 'STANDARD_IA']);
      assert.equal((await bytesOf('same')).toString(), 'x');
    });

    it('keeps to the conditions on source and target', async () => {
      const { ETag = '' } = await put('from', 'x');
      await put('there', 'y');
      const past = new Date(MADE_AT - 1000);
      const source = `${Bucket}/from`;
      for (const [condition, code] of [
        [{ CopySourceIfMatch: ETag }, 'done'],
        [{ CopySourceIfMatch: '"other"' }, '412 PreconditionFailed'],
        [{ CopySourceIfNoneMatch: ETag }, '412 PreconditionFailed'],
        [{ CopySourceIfModifiedSince: new Date(MADE_AT) }, '412 PreconditionFailed'],
        [{ CopySourceIfUnmodifiedSince: past }, '412 PreconditionFailed'],
        [{ CopySourceIfMatch: ETag, CopySourceIfUnmodifiedSince: past }, 'done'],
        [{ CopySourceIfNoneMatch: '"other"', CopySourceIfModifiedSince: past }, 'done'],
      ] as const)
        assert.equal(await codeOf(copy(source, 'to', condition)), code, JSON.stringify(condition));
      assert.equal(await codeOf(copy(source, 'there', { IfNoneMatch: '*' })), '412 PreconditionFailed');
      assert.equal((await bytesOf('there')).toString(), 'y');
    });

    for (const [source, code] of [
      ['captures-sagemaker-test/absent', '404 NoSuchKey'],
      ['absent-bucket/k', '404 NoSuchBucket'],
      ['captures-sagemaker-test', '400 InvalidArgument'],
      ['captures-sagemaker-test/k?versionId=abc', '400 InvalidArgument'],
    ] as const) {
      it(`answers ${code} where the source is ${source}, and stores nothing`, async () => {
        assert.equal(await codeOf(copy(source, 'to')), code);
        assert.equal(test.s3.objects(Bucket).length, 0);
      });
    }
  });

  describe('multipart uploads', () => {
    const begin = async (more: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> => {
      const input = { Bucket, Key: 'large', ...more };
      return (await client.send(new CreateMultipartUploadCommand(input))).UploadId ?? '';
    };
    const complete = (UploadId: string, Parts: CompletedPart[], more = {}) =>
      client.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key: 'large',
          UploadId,
          MultipartUpload: { Parts },
          ...more,
        }),
      );

    it('takes parts from another object, whole and by range', async () => {
      const bytes = Buffer.alloc(FIVE_MIB + 100, 'abcdefg');
      await put('from', bytes);
      const UploadId = await begin();
      const part = async (PartNumber: number, CopySourceRange?: string): Promise<CompletedPart> => {
        const more = CopySourceRange === undefined ? {} : { CopySourceRange };
        const input = { Bucket, Key: 'large', UploadId, PartNumber, CopySource: `${Bucket}/from`, ...more };
        const { CopyPartResult } = await client.send(new UploadPartCopyCommand(input));
        return { PartNumber, ...(CopyPartResult?.ETag === undefined ? {} : { ETag: CopyPartResult.ETag }) };
      };
      const parts = [await part(1), await part(2, 'bytes=10-99')];
      assert.equal(await codeOf(part(3, `bytes=0-${bytes.length}`)), '400 InvalidArgument');
      assert.equal(await codeOf(part(3, 'bytes=5-')), '400 InvalidArgument');
      const { ETag } = await complete(UploadId, parts);
      const sums = Buffer.concat([bytes, bytes.subarray(10, 100)].map((one) => Buffer.from(md5(one), 'hex')));
      assert.equal(ETag, `"${md5(sums)}-2"`);
      assert.ok((await bytesOf('large')).equals(Buffer.concat([bytes, bytes.subarray(10, 100)])));
      const second = await client.send(new GetObjectCommand({ Bucket, Key: 'large', PartNumber: 2 }));
      assert.deepEqual([second.PartsCount, second.ContentLength], [2, 90]);
      assert.equal(second.ContentRange, `bytes ${bytes.length}-${bytes.length + 89}/${bytes.length + 90}`);
      await second.Body?.transformToByteArray();
    });

    it('takes no range of a source of 5 MiB or less, and no body with a copy', async () => {
      await put('from', 'small');
      const UploadId = await begin();
      const CopySource = `${Bucket}/from`;
      const input = {
        Bucket,
        Key: 'large',
        UploadId,
        PartNumber: 1,
        CopySource,
        CopySourceRange: 'bytes=0-1',
      };
      assert.equal(await codeOf(client.send(new UploadPartCopyCommand(input))), '400 InvalidRequest');
    });

    for (const [algorithm, type, answered] of [
      [undefined, undefined, 'CRC64NVME'],
      ['SHA256', undefined, 'SHA256'],
      ['CRC32C', 'FULL_OBJECT', 'CRC32C'],
      ['CRC64NVME', undefined, 'CRC64NVME'],
    ] as const) {
      it(`gives the whole a checksum by ${algorithm ?? 'the default'}, ${type ?? 'of its usual type'}`, async () => {
        const ChecksumAlgorithm = algorithm;
        const chosen = ChecksumAlgorithm === undefined ? {} : { ChecksumAlgorithm };
        const UploadId = await begin({ ...chosen, ...(type === undefined ? {} : { ChecksumType: type }) });
        const bodies = [Buffer.alloc(FIVE_MIB, 'a'), Buffer.from('end')];
        const parts: CompletedPart[] = [];
        for (const [index, Body] of bodies.entries()) {
          const input = { Bucket, Key: 'large', UploadId, PartNumber: index + 1, Body, ...chosen };
          const { ETag = '', ...sums } = await client.send(new UploadPartCommand(input));
          const sum = Object.entries(sums).filter(([name]) => name === `Checksum${answered}`);
          parts.push({ PartNumber: index + 1, ETag, ...Object.fromEntries(sum) });
        }
        await complete(UploadId, parts);
        const head = await client.send(
          new HeadObjectCommand({ Bucket, Key: 'large', ChecksumMode: 'ENABLED' }),
        );
        const isComposite = head.ChecksumType === 'COMPOSITE';
        assert.equal(isComposite, algorithm === 'SHA256');
        const found = { ...head }[`Checksum${answered}`] ?? '';
        assert.equal(found.endsWith('-2'), isComposite, found);
        if (isComposite) return;
        // The same bytes in one piece have the same checksum.
        const whole = await put('whole', Buffer.concat(bodies), { ChecksumAlgorithm: answered });
        assert.equal(found, { ...whole }[`Checksum${answered}`]);
      });
    }

    it('refuses checksums that do not fit each other', async () => {
      const sha = begin({ ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' });
      assert.equal(await codeOf(sha), '400 InvalidRequest');
      const crc = begin({ ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' });
      assert.equal(await codeOf(crc), '400 InvalidRequest');
      const UploadId = await begin({ ChecksumAlgorithm: 'SHA256' });
      const input = { Bucket, Key: 'large', UploadId, PartNumber: 1, Body: 'x' };
      assert.equal(await codeOf(client.send(new UploadPartCommand(input))), '400 InvalidRequest');
      const sent = new UploadPartCommand({ ...input, ChecksumAlgorithm: ChecksumAlgorithm.SHA256 });
      const { ETag = '' } = await client.send(sent);
      assert.equal(await codeOf(complete(UploadId, [{ PartNumber: 1, ETag }])), '400 InvalidRequest');
      const other = createHash('sha256').update('y').digest('base64');
      const wrong = complete(UploadId, [{ PartNumber: 1, ETag, ChecksumSHA256: other }]);
      assert.equal(await codeOf(wrong), '400 InvalidPart');
      const ChecksumSHA256 = createHash('sha256').update('x').digest('base64');
      const fits = [{ PartNumber: 1, ETag, ChecksumSHA256 }];
      assert.equal(await codeOf(complete(UploadId, fits, { MpuObjectSize: 2 })), '400 InvalidRequest');
      await complete(UploadId, fits, { MpuObjectSize: 1 });
    });

    it('lists uploads and parts in pages, and forgets what was aborted', async () => {
      const ids = new Map<string, string>();
      for (const key of ['a', 'b/1', 'b/2', 'c', 'c']) ids.set(await begin({ Key: key }), key);
      const seen: string[] = [];
      let marker = {};
      for (;;) {
        const page = await client.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1, ...marker }));
        seen.push(...(page.Uploads ?? []).map(({ UploadId = '' }) => UploadId));
        if (page.IsTruncated !== true) break;
        marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
      }
      assert.deepEqual(seen, [...ids.keys()]);
      const folders = await client.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: '/' }));
      assert.deepEqual(folders.CommonPrefixes, [{ Prefix: 'b/' }]);
      const [UploadId = '', Key = ''] = [...ids][0] ?? [];
      for (const PartNumber of [3, 1, 7])
        await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body: 'part' }));
      const first = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }));
      assert.deepEqual(
        first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
        [
          [1, 4],
          [3, 4],
        ],
      );
      assert.deepEqual([first.IsTruncated, first.NextPartNumberMarker], [true, '3']);
      const rest = { Bucket, Key, UploadId, PartNumberMarker: '3' };
      assert.deepEqual((await client.send(new ListPartsCommand(rest))).Parts?.length, 1);
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      const gone = codeOf(client.send(new ListPartsCommand({ Bucket, Key, UploadId })));
      assert.equal(await gone, '404 NoSuchUpload');
      const again = codeOf(client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })));
      assert.equal(await again, '404 NoSuchUpload');
    });
  });

  describe('reads', () => {
    it('keeps to conditions by the rules of S3', async () => {
      const { ETag = '' } = await put('k', 'x');
      const before = new Date(MADE_AT - 1000);
      const then = new Date(MADE_AT);
      const head = (more: Partial<HeadObjectCommandInput>): Promise<string> =>
        codeOf(client.send(new HeadObjectCommand({ Bucket, Key: 'k', ...more })));
      const [failed, unchanged] = ['412 412', '304 304'];
      for (const [condition, expected] of [
        [{ IfMatch: ETag }, 'done'],
        [{ IfMatch: '*' }, 'done'],
        [{ IfMatch: '"other"' }, failed],
        [{ IfNoneMatch: ETag }, unchanged],
        [{ IfNoneMatch: '"other"' }, 'done'],
        [{ IfModifiedSince: then }, unchanged],
        [{ IfModifiedSince: before }, 'done'],
        [{ IfUnmodifiedSince: before }, failed],
        [{ IfUnmodifiedSince: then }, 'done'],
        [{ IfMatch: ETag, IfUnmodifiedSince: before }, 'done'],
        [{ IfNoneMatch: ETag, IfModifiedSince: before }, unchanged],
        [{ IfNoneMatch: '"other"', IfModifiedSince: then }, 'done'],
        [{ IfMatch: ETag, IfNoneMatch: ETag }, unchanged],
      ] as const) {
        const code = (await head(condition)).replace(/^(\d+) .*/, '$1 $1');
        assert.equal(code, expected, JSON.stringify(condition));
      }
    });

    it('gives ranges', async () => {
      await put('k', '0123456789');
      const get = async (Range: string): Promise<string> => {
        const { Body, ContentRange = 'whole' } = await client.send(
          new GetObjectCommand({ Bucket, Key: 'k', Range }),
        );
        return `${await Body?.transformToString()} ${ContentRange}`;
      };
      for (const [range, expected] of [
        ['bytes=0-0', '0 bytes 0-0/10'],
        ['bytes=2-4', '234 bytes 2-4/10'],
        ['bytes=7-', '789 bytes 7-9/10'],
        ['bytes=7-99', '789 bytes 7-9/10'],
        ['bytes=-3', '789 bytes 7-9/10'],
        ['bytes=-99', '0123456789 bytes 0-9/10'],
        ['bytes=4-2', '0123456789 whole'],
        ['bytes=0-1,3-4', '0123456789 whole'],
        ['lines=1-2', '0123456789 whole'],
      ] as const)
        assert.equal(await get(range), expected, range);
      for (const range of ['bytes=10-', 'bytes=-0', 'bytes=10-11'])
        assert.equal(await codeOf(get(range)), '416 InvalidRange', range);
      await put('empty', '');
      const empty = new GetObjectCommand({ Bucket, Key: 'empty', Range: 'bytes=0-' });
      assert.equal(await codeOf(client.send(empty)), '416 InvalidRange');
    });

    it('answers with the headers that a request asks for', async () => {
      await put('k', 'x', { ContentType: 'text/a' });
      const got = await client.send(
        new GetObjectCommand({
          Bucket,
          Key: 'k',
          ResponseContentType: 'text/b',
          ResponseCacheControl: 'no-store',
        }),
      );
      await got.Body?.transformToByteArray();
      assert.deepEqual([got.ContentType, got.CacheControl], ['text/b', 'no-store']);
    });

    it('gives back the tags that an object has now', async () => {
      await put('k', 'x', { Tagging: 'a=1&b=2' });
      const TagSet = [{ Key: 'c', Value: '3 ä' }];
      await client.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet } }));
      assert.deepEqual((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'k' }))).TagSet, TagSet);
      assert.equal((await bytesOf('k')).toString(), 'x');
    });
  });

  describe('lists', () => {
    const keys = ['a', 'b/1', 'b/2', 'c d&e', '\u{ffee}', '\u{1f600}'];

    it('has dates and pages of buckets', async () => {
      const { Buckets, Owner } = await client.send(new ListBucketsCommand({ MaxBuckets: 1 }));
      assert.deepEqual(
        Buckets?.map(({ Name, CreationDate }) => [Name, CreationDate?.getTime()]),
        [[Bucket, MADE_AT]],
      );
      assert.match(Owner?.ID ?? '', /^[0-9a-f]{64}$/);
    });

    it('lists in the first version, by marker', async () => {
      for (const key of keys) await put(key);
      const seen: string[] = [];
      let Marker: string | undefined;
      for (;;) {
        const next = Marker === undefined ? {} : { Marker };
        const page = await client.send(
          new ListObjectsCommand({ Bucket, MaxKeys: 1, Delimiter: '/', ...next }),
        );
        seen.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
        seen.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix));
        assert.ok(page.Contents?.every(({ Owner }) => Owner?.ID !== undefined) ?? true);
        if (page.IsTruncated !== true) break;
        Marker = page.NextMarker;
      }
      // By UTF-8 bytes: U+FFEE comes before U+1F600, which JavaScript's own order has the other way round.
      assert.deepEqual(seen, ['a', 'b/', 'c d&e', '\u{ffee}', '\u{1f600}']);
      const plain = await client.send(new ListObjectsCommand({ Bucket, MaxKeys: 1 }));
      assert.deepEqual([plain.IsTruncated, plain.NextMarker], [true, undefined]);
    });

    it('lists in the second version', async () => {
      for (const key of keys) await put(key);
      const list = (more: object) => client.send(new ListObjectsV2Command({ Bucket, ...more }));
      const { Contents, KeyCount, MaxKeys } = await list({
        StartAfter: 'b/1',
        EncodingType: 'url',
        FetchOwner: true,
      });
      assert.deepEqual([Contents?.length, KeyCount, MaxKeys], [4, 4, 1000]);
      assert.deepEqual([Contents?.[1]?.Key, Contents?.[1]?.Owner === undefined], ['c+d%26e', false]);
      assert.equal((await list({ MaxKeys: 5000 })).MaxKeys, 1000);
      const none = await list({ MaxKeys: 0 });
      assert.deepEqual([none.KeyCount, none.IsTruncated], [0, false]);
      assert.equal(await codeOf(list({ MaxKeys: -1 })), '400 InvalidArgument');
      assert.equal(await codeOf(list({ ContinuationToken: 'guessed' })), '400 InvalidArgument');
      assert.equal(await codeOf(list({ EncodingType: 'base64' })), '400 InvalidArgument');
    });
  });

  describe('deletes', () => {
    const deleteAll = (keys: readonly string[], more = {}) =>
      client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })), ...more } }),
      );

    it('deletes many at once, those too that are not there, and tells of each or of none', async () => {
      const keys = ['a<b>&"c', 'd/e', ' f '];
      for (const key of keys) await put(key);
      const { Deleted, Errors } = await deleteAll([...keys, 'absent']);
      assert.deepEqual([Deleted?.length, Errors], [4, undefined]);
      assert.equal(test.s3.objects(Bucket).length, 0);
      await put('a');
      assert.equal((await deleteAll(['a'], { Quiet: true })).Deleted, undefined);
      assert.equal(test.s3.objects(Bucket).length, 0);
    });

    it('refuses more than 1000, and a request that nothing guards', async () => {
      await put('k0');
      const keys = Array.from({ length: 1001 }, (_, index) => `k${index}`);
      assert.equal(await codeOf(deleteAll(keys)), '400 MalformedXML');
      assert.equal(test.s3.objects(Bucket).length, 1);
    });

    it('deletes under a condition, and once more without complaint', async () => {
      const { ETag = '' } = await put('k');
      const remove = (more = {}): Promise<string> =>
        codeOf(client.send(new DeleteObjectCommand({ Bucket, Key: 'k', ...more })));
      assert.equal(await remove({ IfMatch: '"other"' }), '412 PreconditionFailed');
      assert.equal(await remove({ VersionId: 'abc' }), '400 InvalidArgument');
      assert.equal(test.s3.objects(Bucket).length, 1);
      assert.equal(await remove({ IfMatch: ETag }), 'done');
      assert.equal(await remove(), 'done');
    });
  });
});
