import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { EdgeError } from '../../../src/core/mod.js';
import { MemoryObjectStore, type MemoryFault, type SettledObject } from '../../../src/upload/mod.js';
import { memorySpool, runVirtual, startUploader, uploadObject } from '../../lib/upload.js';

const STEP = { stepMs: 500, maxMs: 7_200_000 };

describe('Uploader', () => {
  it('delivers every segment once and writes a receipt with keys, sums and capture ids', async () => {
    const source = memorySpool(20);
    const store = new MemoryObjectStore();
    const told: string[] = [];
    const { uploader, clock } = startUploader(source, store, { onReceipt: (segment) => told.push(segment) });
    await runVirtual(clock, () => source.receipts.size === 20, STEP);
    assert.equal(store.objects.size, 20);
    assert.equal(store.puts, 20);
    assert.deepEqual([...told].sort(), [...source.segments.keys()]);
    const receipt = source.receipts.get('segment-00000003')?.[0];
    assert.deepEqual(
      [receipt?.result, receipt?.key, receipt?.captureIds],
      ['delivered', uploadObject(3).key, ['capture-3']],
    );
    assert.equal(uploader.status().deliveredRecords, 20);
    await uploader.close();
  });

  it('writes no receipt before the store has confirmed', async () => {
    const source = memorySpool(1);
    let open = false;
    const faults = (): MemoryFault | undefined => (open ? undefined : { kind: 'damage' });
    const { uploader, clock } = startUploader(source, new MemoryObjectStore({ faults }));
    await clock.advance(600_000);
    assert.equal(source.receipts.size, 0);
    open = true;
    await runVirtual(clock, () => source.receipts.size === 1, STEP);
    await uploader.close();
  });

  it('finds a segment whose notice was lost, and takes one at once whose notice came', async () => {
    const source = memorySpool(0);
    const { uploader, clock } = startUploader(source, new MemoryObjectStore(), { scanPeriodMs: 30_000 });
    await clock.advance(100);
    source.add('a', [uploadObject(1)]);
    uploader.notice('a');
    await runVirtual(clock, () => source.receipts.has('a'), { stepMs: 10, maxMs: 1000 });
    source.add('b', [uploadObject(2)]);
    await runVirtual(clock, () => source.receipts.has('b'), { stepMs: 1000, maxMs: 31_000 });
    await uploader.close();
  });

  it('sleeps while there is nothing to upload: a scan and a look at its counts each half minute', async () => {
    const { uploader, clock } = startUploader(memorySpool(0), new MemoryObjectStore(), { spreadMs: 60_000 });
    await clock.advance(60_000);
    const rung = clock.rung;
    await clock.advance(600_000);
    assert.ok(clock.rung - rung <= 42, `${clock.rung - rung} timers in ten minutes`);
    await uploader.close();
  });

  it('goes on with the other segments while one is refused by name, and sets it aside after three tries', async () => {
    const source = memorySpool(10);
    const poison = uploadObject(4).key;
    const faults = (request: { key: string }): MemoryFault | undefined =>
      request.key === poison ? { kind: 'fail', facts: { status: 400, code: 'EntityTooLarge' } } : undefined;
    const store = new MemoryObjectStore({ faults });
    const { uploader, clock } = startUploader(source, store, { maxConcurrency: 1 });
    await runVirtual(clock, () => source.receipts.size === 10, STEP);
    assert.equal(store.objects.size, 9);
    const refused = source.receipts.get('segment-00000004')?.[0];
    assert.equal(refused?.result, 'refused');
    assert.match(refused.reason ?? '', /400 EntityTooLarge/);
    assert.equal(store.puts, 12);
    await uploader.close();
  });

  it('sets an object aside that is refused without its name only where others go through between its tries', async () => {
    const source = memorySpool(3);
    const odd = uploadObject(1).key;
    const faults = (request: { key: string }): MemoryFault | undefined =>
      request.key === odd ? { kind: 'fail', facts: { status: 400, code: 'InvalidRequest' } } : undefined;
    const { uploader, clock } = startUploader(source, new MemoryObjectStore({ faults }));
    await runVirtual(clock, () => source.receipts.size === 2, STEP);
    await clock.advance(3_600_000);
    assert.equal(source.receipts.size, 2, 'nobody else went through: it may be everybody’s trouble');
    for (let others = 10; source.receipts.get('segment-00000001') === undefined; others++) {
      source.add(`segment-${others}`, [uploadObject(others)]);
      uploader.notice(`segment-${others}`);
      await clock.advance(300_000);
      assert.ok(others < 20, 'it is set aside in the end');
    }
    assert.equal(source.receipts.get('segment-00000001')?.[0]?.result, 'refused');
    await uploader.close();
  });

  it('holds everything where a store refuses every object, and asks it seldom', async () => {
    const source = memorySpool(200);
    let isWell = false;
    const facts = { status: 400, code: 'InvalidRequest' };
    const store = new MemoryObjectStore({ faults: () => (isWell ? undefined : { kind: 'fail', facts }) });
    const { uploader, clock } = startUploader(source, store, { maxConcurrency: 8 });
    await runVirtual(clock, () => clock.monotonicMs() >= 6 * 3_600_000, {
      stepMs: 10_000,
      maxMs: 7 * 3_600_000,
    });
    assert.equal(source.receipts.size, 0);
    assert.ok(store.puts < 250, `${store.puts} requests in 6 hours`);
    isWell = true;
    await runVirtual(clock, () => source.receipts.size === 200, { stepMs: 1000, maxMs: 3_600_000 });
    assert.ok([...source.receipts.values()].flat().every(({ result }) => result === 'delivered'));
    await uploader.close();
  });

  it('puts only what is missing when a pass over a segment failed half-way', async () => {
    const source = memorySpool(0);
    source.add(
      'many',
      [1, 2, 3, 4].map((index) => uploadObject(index)),
    );
    const faults = (_request: unknown, index: number): MemoryFault | undefined =>
      index === 2 ? { kind: 'fail', facts: { code: 'ECONNRESET' } } : undefined;
    const store = new MemoryObjectStore({ faults });
    const { uploader, clock } = startUploader(source, store);
    await runVirtual(clock, () => source.receipts.size === 1, STEP);
    assert.equal(store.puts, 5);
    assert.equal(source.receipts.get('many')?.length, 4);
    await uploader.close();
  });

  it('puts records only after the files that they refer to, and refuses them with such a file', async () => {
    const source = memorySpool(0);
    const raw = { ...uploadObject(1, 'tensor'), kind: 'raw' as const, key: 'raw-data/1.bin', captureIds: [] };
    source.add('with-file', [raw, uploadObject(2), uploadObject(3)]);
    const order: string[] = [];
    const faults = ({ key }: { key: string }): MemoryFault | undefined => {
      order.push(key);
      return key === raw.key ? { kind: 'fail', facts: { status: 400, code: 'EntityTooLarge' } } : undefined;
    };
    const { uploader, clock } = startUploader(source, new MemoryObjectStore({ faults }));
    await runVirtual(clock, () => source.receipts.size === 1, STEP);
    const [first, second] = [uploadObject(2).key, uploadObject(3).key];
    assert.deepEqual(order, [raw.key, second, raw.key, raw.key, first]);
    assert.deepEqual(
      source.receipts.get('with-file')?.map((object) => [object.key, object.result]),
      [
        [second, 'delivered'],
        [first, 'refused'],
      ],
    );
    await uploader.close();
  });

  it('holds its claim on a segment until the receipt is written, and no longer', async () => {
    const source = memorySpool(1);
    const write = source.writeReceipt.bind(source);
    let heldWhileWriting = false;
    source.writeReceipt = async (segment, objects) => {
      heldWhileWriting = source.claimed.has(segment);
      await write(segment, objects);
    };
    const { uploader, clock } = startUploader(source, new MemoryObjectStore());
    await runVirtual(clock, () => source.receipts.size === 1, STEP);
    await uploader.close();
    assert.equal(heldWhileWriting, true);
    assert.equal(source.claimed.size, 0);
  });

  it('takes the newest first when asked to', async () => {
    const source = memorySpool(5);
    const order: string[] = [];
    const store = new MemoryObjectStore({ onPut: ({ key }) => void order.push(key) });
    const { uploader, clock } = startUploader(source, store, { order: 'newest-first', maxConcurrency: 1 });
    await runVirtual(clock, () => source.receipts.size === 5, STEP);
    assert.deepEqual(
      order,
      [4, 3, 2, 1, 0].map((index) => uploadObject(index).key),
    );
    await uploader.close();
  });

  it('compresses when asked to, with the sum of what is sent', async () => {
    const source = memorySpool(1);
    const store = new MemoryObjectStore();
    const { uploader, clock } = startUploader(source, store, { gzip: true });
    await runVirtual(clock, () => source.receipts.size === 1, STEP);
    const [object] = store.objects.values();
    assert.equal(object?.contentEncoding, 'gzip');
    assert.equal(gunzipSync(object.bytes).toString(), '{"record":0}\n');
    await uploader.close();
  });

  it('uploads only once a period when the destination is disk with periodic upload', async () => {
    const source = memorySpool(1);
    const { uploader, clock } = startUploader(source, new MemoryObjectStore(), { uploadPeriodMs: 8000 });
    await runVirtual(clock, () => source.receipts.size === 1, { stepMs: 10, maxMs: 1000 });
    source.add('later', [uploadObject(9)]);
    uploader.notice('later');
    await clock.advance(5000);
    assert.equal(source.receipts.size, 1);
    await runVirtual(clock, () => source.receipts.size === 2, { stepMs: 500, maxMs: 8500 });
    await uploader.close();
  });

  it('forgets a segment that was evicted, and retries one that cannot be read now', async () => {
    const source = memorySpool(3);
    const claim = source.claim.bind(source);
    let broken = 3;
    source.claim = async (segment) => {
      if (segment === 'segment-00000000') throw new EdgeError('NOT_FOUND', 'Evicted');
      if (segment === 'segment-00000001' && broken-- > 0) throw new Error('EIO');
      return await claim(segment);
    };
    const { uploader, clock } = startUploader(source, new MemoryObjectStore());
    await runVirtual(clock, () => source.receipts.size === 2, STEP);
    source.segments.delete('segment-00000000');
    await clock.advance(31_000);
    assert.equal(uploader.status().pendingSegments, 0);
    await uploader.close();
  });

  it('ends within its grace while a put hangs that heeds no signal', async () => {
    const source = memorySpool(1);
    const store = new MemoryObjectStore({ faults: () => ({ kind: 'stuck' }) });
    const { uploader, clock } = startUploader(source, store);
    await clock.advance(100);
    const closed = uploader.close();
    await clock.advance(1000);
    await closed;
    assert.equal(source.receipts.size, 0);
  });

  it('keeps a receipt that could not be written, and writes it later', async () => {
    const source = memorySpool(1);
    const write = source.writeReceipt.bind(source);
    let full = true;
    source.writeReceipt = (segment: string, objects: readonly SettledObject[]) =>
      full ? Promise.reject(new Error('ENOSPC')) : write(segment, objects);
    const store = new MemoryObjectStore();
    const { uploader, clock } = startUploader(source, store);
    await clock.advance(60_000);
    assert.equal(source.receipts.size, 0);
    full = false;
    await runVirtual(clock, () => source.receipts.size === 1, STEP);
    assert.equal(store.puts, 1);
    await uploader.close();
  });
});
