import assert from 'node:assert/strict';
import { ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { silentLogger } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { Uploader } from '../../src/upload/mod.js';
import { memorySpool } from '../lib/upload.js';
import { startTestS3, TEST_BUCKET as Bucket } from '../lib/s3.js';
import { clean, falseReceipts, judgeS3, WatchedStore } from '../lib/upload-oracle.js';
import { until } from '../lib/until.js';

const HOUR_MS = 3_600_000;
const QUICK_RETRY = { baseMs: 20, capMs: 200, permissionProbeMs: 300, poisonTries: 3 };

/** A clock that is right but for its date. */
const ahead = (hours: number): typeof systemClock => ({
  wallMs: () => systemClock.wallMs() + hours * HOUR_MS,
  monotonicMs: () => systemClock.monotonicMs(),
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
  after: (ms, callback, options) => systemClock.after(ms, callback, options),
});

describe('local S3, whose date differs from its clients', () => {
  for (const hours of [3, -3]) {
    it(`refuses at first, and serves the official client once it has read the date: ${hours} h`, async () => {
      await using test = await startTestS3({ clock: ahead(hours) });
      const once = test.client();
      await assert.rejects(once.send(new ListBucketsCommand({})), { name: 'RequestTimeTooSkewed' });
      const client = test.client({ maxAttempts: 2 });
      await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
      assert.deepEqual(
        test.s3.log.slice(1).map(({ status }) => status),
        [403, 200],
      );
    });

    it(`takes captures from the uploader: ${hours} h`, async () => {
      await using test = await startTestS3({ clock: ahead(hours) });
      const source = memorySpool(10);
      await using store = new WatchedStore(test.s3);
      await using uploader = new Uploader({
        source,
        store,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        spreadMs: 0,
        retry: QUICK_RETRY,
      });
      uploader.start();
      await until(() => source.receipts.size === source.segments.size, 'all is delivered');
      await uploader.close();
      clean(await judgeS3(source, test.s3));
      assert.equal(falseReceipts(source, test.s3), 0);
    });
  }
});
