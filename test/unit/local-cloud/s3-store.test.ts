import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { compareKeys } from '../../../src/local/cloud/s3/key-order.js';
import { pageOf } from '../../../src/local/cloud/s3/list-page.js';
import { startTestS3, TEST_BUCKET as Bucket } from '../../lib/s3.js';

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

describe("local S3's folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 's3-folder-'));
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  const metadata = (key: string): string => join(folder, '.metadata', Bucket, `${hashOf(key)}.json`);
  const read = async (client: S3Client, Key: string): Promise<string> => {
    const got = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    return `${got.ETag} ${await got.Body?.transformToString()}`;
  };

  /** As commit 192c4d1 left an object: no date of the bucket, a checksum of parts among those of wholes. */
  const layAsBefore = async (key: string, bytes: string, checksums: object): Promise<void> => {
    await mkdir(join(folder, '.metadata', Bucket), { recursive: true });
    await mkdir(join(folder, Bucket), { recursive: true });
    await writeFile(join(folder, Bucket, key), bytes);
    const etag = createHash('md5').update(bytes).digest('hex');
    const headers = { 'content-type': 'text/plain' };
    const about = {
      key,
      sizeBytes: bytes.length,
      etag,
      lastModifiedMs: 1_700_000_000_000.5,
      headers,
      checksums,
    };
    await writeFile(metadata(key), `${JSON.stringify({ ...about, file: key })}\n`);
  };

  it('of a former version is read on, and what is written reads as then', async () => {
    const crc32 = '7Xk2PA==';
    await layAsBefore('old', 'old bytes', { crc32 });
    await layAsBefore('parts', 'more bytes', { crc32: `${crc32}-2` });
    await using test = await startTestS3({ folder });
    const client = test.client();
    assert.match(await read(client, 'old'), /old bytes$/);
    assert.match(await read(client, 'parts'), /more bytes$/);
    await client.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x', Tagging: 'a=b' }));
    const written = JSON.parse(await readFile(metadata('new'), 'utf8')) as Record<string, unknown>;
    for (const field of ['key', 'file', 'sizeBytes', 'etag', 'lastModifiedMs', 'headers', 'checksums'])
      assert.ok(field in written, field);
    assert.equal(await readFile(join(folder, Bucket, 'new'), 'utf8'), 'x');
    const entries = await readdir(join(folder, '.metadata', Bucket));
    assert.deepEqual(entries.filter((name) => name.endsWith('.json')).length, 3);
  });

  for (const [when, moved] of [
    ['before the bytes were moved', false],
    ['after the bytes were moved', true],
  ] as const) {
    it(`holds the former object or the next one where a kill came ${when}`, async () => {
      await layAsBefore('k', 'former', {});
      const next = 'next bytes';
      const about = { ...(JSON.parse(await readFile(metadata('k'), 'utf8')) as object) };
      const etag = createHash('md5').update(next).digest('hex');
      await writeFile(
        metadata('k').replace(/json$/, '7.pending'),
        JSON.stringify({ ...about, etag, sizeBytes: next.length }),
      );
      await mkdir(join(folder, '.incoming'));
      await writeFile(moved ? join(folder, Bucket, 'k') : join(folder, '.incoming', '7'), next);
      await using test = await startTestS3({ folder });
      const bytes = moved ? next : 'former';
      const expected = createHash('md5').update(bytes).digest('hex');
      assert.equal(await read(test.client(), 'k'), `"${expected}" ${bytes}`);
      assert.deepEqual(await readdir(join(folder, '.incoming')), []);
      assert.ok(
        (await readdir(join(folder, '.metadata', Bucket))).every((name) => !name.endsWith('pending')),
      );
    });
  }

  it('gives metadata and bytes of one moment while an object is replaced and deleted', async () => {
    await using test = await startTestS3({ folder });
    const client = test.client();
    const put = (size: number): Promise<unknown> =>
      client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x'.repeat(size) }));
    await put(1);
    const work = Array.from({ length: 60 }, async (_, index) => {
      if (index % 3 === 0) return await put(index * 1000);
      if (index % 20 === 1) return await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      const [etag = '', bytes = ''] = (await read(client, 'k').catch(() => '')).split(' ');
      if (etag !== '') assert.equal(etag, `"${createHash('md5').update(bytes).digest('hex')}"`);
      return undefined;
    });
    await Promise.all(work);
    await put(5);
    assert.equal(await readFile(test.s3.path(Bucket, 'k'), 'utf8'), 'xxxxx');
  });

  it('keeps folders no longer than there are objects in them', async () => {
    await using test = await startTestS3({ folder });
    const client = test.client();
    await client.send(new PutObjectCommand({ Bucket, Key: 'a/b/c', Body: 'x' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a/b/c' }));
    assert.deepEqual(await readdir(join(folder, Bucket)), []);
  });

  it('says which file is damaged', async () => {
    await layAsBefore('k', 'x', {});
    await writeFile(metadata('k'), '{"key":"k"}');
    await assert.rejects(startTestS3({ folder }), new RegExp(`${hashOf('k')}\\.json`));
  });
});

describe('pageOf', () => {
  const key = fc.string({
    unit: fc.constantFrom('a', 'b', '/', '\u{ffee}', '\u{1f600}'),
    minLength: 1,
    maxLength: 6,
  });

  it('tells, over all its pages, each key or its common prefix once and in the order of UTF-8', () => {
    const property = fc.property(
      fc.uniqueArray(key, { maxLength: 30 }),
      fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 2 }),
      fc.constantFrom('', '/', 'ab'),
      fc.integer({ min: 1, max: 5 }),
      (keys, prefix, delimiter, maxKeys) => {
        const all = keys.map((one) => ({ key: one })).sort((a, b) => compareKeys(a.key, b.key));
        const told: string[] = [];
        for (let after: string | undefined = ''; after !== undefined;) {
          const page: ReturnType<typeof pageOf> = pageOf(all, { prefix, delimiter, after, maxKeys });
          const names = [...page.items.map((item) => item.key), ...page.commonPrefixes];
          assert.ok(names.length <= maxKeys);
          told.push(...names.sort(compareKeys));
          after = page.next;
        }
        const wanted = new Set(
          keys
            .filter((one) => one.startsWith(prefix))
            .map((one) => {
              const at = delimiter === '' ? -1 : one.indexOf(delimiter, prefix.length);
              return at < 0 ? one : one.slice(0, at + delimiter.length);
            }),
        );
        const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
        assert.deepEqual(told, [...wanted].sort(byBytes));
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });
});
