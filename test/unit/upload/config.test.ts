import assert from 'node:assert/strict';
import { EdgeError, ManualClock } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { HeldConfiguration } from '../../../src/component/configuration/mod.js';
import { parseUploadConfig, type UploadConfig } from '../../../src/upload/mod.js';
import { memoryLogger } from '../../lib/upload.js';

const parse = (raw: unknown): UploadConfig => parseUploadConfig(raw).configuration;

function refusal(raw: unknown): EdgeError {
  try {
    parseUploadConfig(raw);
  } catch (error) {
    if (error instanceof EdgeError) return error;
  }
  throw new assert.AssertionError({ message: 'the configuration was accepted' });
}

describe('parseUploadConfig', () => {
  it('needs a bucket and has a default for all else', () => {
    const config = parse({ bucket: 'my-bucket' });
    assert.deepEqual(
      [config.destination, config.maxConcurrency, config.startSpreadSeconds, config.order],
      ['Cloud', 4, 60, 'oldest-first'],
    );
    assert.equal(refusal({}).field, 'bucket');
  });

  it("reads Edge Manager's keys with their string values", () => {
    const config = parse({
      BucketName: 'sagemaker-captures',
      CaptureDataDestination: 'Disk',
      CaptureDataDiskPath: '/data/capture',
      CaptureDataPeriodicUpload: 'true',
      CaptureDataPeriodicUploadPeriodSeconds: '20',
      SagemakerEdgeLogVerbose: 'true',
      FolderPrefix: 'sme-capture',
      DeviceFleetName: 'fleet',
      CaptureDataBatchSize: '10',
      accessControl: {},
    });
    assert.deepEqual(
      [config.bucket, config.destination, config.diskPath, config.periodicUpload, config.uploadPeriodSeconds],
      ['sagemaker-captures', 'Disk', '/data/capture', true, 20],
    );
    assert.equal(config.logLevel, 'debug');
  });

  it('takes what nucleus lite and the Java nucleus make of scalars', () => {
    const config = parse({
      bucket: 'my-bucket',
      gzip: 'True',
      maxConcurrency: '2',
      startSpreadSeconds: '0.0',
      scanPeriodSeconds: 5.0,
      endpoint: '',
    });
    assert.deepEqual([config.gzip, config.maxConcurrency, config.startSpreadSeconds], [true, 2, 0]);
    assert.equal(config.endpoint, undefined);
  });

  it('goes by its own key where both are given', () => {
    assert.equal(parse({ bucket: 'ours', BucketName: 'theirs' }).bucket, 'ours');
  });

  it('refuses as a whole, naming the key', () => {
    assert.equal(refusal({ bucket: 'my-bucket', maxConcurrency: 0 }).field, 'maxConcurrency');
    assert.equal(refusal({ bucket: 'my-bucket', gzip: 'perhaps' }).field, 'gzip');
    assert.equal(refusal({ bucket: 'my-bucket', Bucketname: 'x' }).field, 'Bucketname');
    assert.equal(refusal({ bucket: 'my-bucket', destination: 'Tape' }).field, 'destination');
    assert.equal(refusal({ destination: 'Disk', periodicUpload: true }).field, 'bucket');
    assert.match(refusal(7).message, /must be an object/);
  });
});

describe('the configuration in force', () => {
  function holder(raw: { value: unknown }, files = memoryFiles()) {
    const clock = new ManualClock();
    const applied: UploadConfig[] = [];
    const { logger, lines } = memoryLogger(clock);
    let reads = 0;
    const kept = new HeldConfiguration<UploadConfig, undefined>({
      file: '/uploader/configuration.json',
      files,
      clock,
      logger,
      initial: undefined,
      parse: parseUploadConfig,
    });
    kept.onChange((config) => applied.push(config));
    const read = async (): Promise<unknown> => {
      reads++;
      return raw.value;
    };
    const held = { start: () => kept.start(read), touched: () => kept.touched(read) };
    return { held, clock, applied, lines, files, reads: () => reads };
  }

  it('reads once after half a second of quiet, however many leaves changed', async () => {
    const raw = { value: { bucket: 'first' } };
    const test = holder(raw);
    await test.held.start();
    raw.value = { bucket: 'second' };
    for (let leaf = 0; leaf < 10; leaf++) {
      test.held.touched();
      await test.clock.advance(400);
    }
    assert.equal(test.reads(), 1);
    await test.clock.advance(100);
    assert.equal(test.reads(), 2);
    assert.deepEqual(
      test.applied.map((config) => config.bucket),
      ['first', 'second'],
    );
  });

  it('does not apply the same configuration twice', async () => {
    const test = holder({ value: { bucket: 'first' } });
    await test.held.start();
    test.held.touched();
    await test.clock.advance(1000);
    assert.equal(test.applied.length, 1);
  });

  it('keeps the last good one in force, also after a restart, and says what is wrong', async () => {
    const files = memoryFiles();
    const raw: { value: unknown } = { value: { bucket: 'good' } };
    const before = holder(raw, files);
    await before.held.start();
    raw.value = { bucket: 'good', gzip: 'perhaps' };
    before.held.touched();
    await before.clock.advance(1000);
    assert.equal(before.applied.length, 1);
    assert.ok(before.lines.some((line) => line.includes('gzip')));
    const after = holder(raw, files);
    await after.held.start();
    assert.equal(after.applied[0]?.bucket, 'good');
  });

  it('puts a damaged last good one aside and waits for a valid one', async () => {
    const files = memoryFiles(new Map([['/uploader/configuration.json', Buffer.from('{"bu')]]));
    const raw: { value: unknown } = { value: {} };
    const test = holder(raw, files);
    await test.held.start();
    assert.equal(test.applied.length, 0);
    assert.ok(files.content.has('/uploader/configuration.json.damaged'));
    raw.value = { bucket: 'good' };
    test.held.touched();
    await test.clock.advance(1000);
    assert.equal(test.applied[0]?.bucket, 'good');
  });
});
