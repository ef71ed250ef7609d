import assert from 'node:assert/strict';
import { SeededRandom } from '../../../src/core/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import type { Fault } from '../../../src/local/cloud/s3/mod.js';
import { MemoryObjectStore, Uploader, type MemoryFault } from '../../../src/upload/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { startTestS3, TEST_BUCKET } from '../../lib/s3.js';
import { clean, falseReceipts, judgeMemory, judgeS3, WatchedStore } from '../../lib/upload-oracle.js';
import { memoryLogger, memorySpool, runVirtual, startUploader, uploadObject } from '../../lib/upload.js';
import { until } from '../../lib/until.js';

const QUICK_RETRY = { baseMs: 20, capMs: 200, permissionProbeMs: 300_000, poisonTries: 3 };
const TEN_MINUTES = 600_000;

describe('R10: a store with trouble of its own', () => {
  for (const percent of [10, 50, 90]) {
    it(`delivers everything once through 10 minutes of ${percent} % errors`, async () => {
      const source = memorySpool(0);
      const dice = new SeededRandom(percent);
      const clockRef = { nowMs: () => 0 };
      let ambiguous = 0;
      let faulted = 0;
      const faults = (): MemoryFault | undefined => {
        if (clockRef.nowMs() > TEN_MINUTES || dice.fraction() * 100 >= percent) return undefined;
        faulted++;
        const kind = Math.floor(dice.fraction() * 4);
        if (kind === 0) return { kind: 'fail', facts: { status: 503, code: 'SlowDown', retryAfter: '3' } };
        if (kind === 1) return { kind: 'fail', facts: { status: 500, code: 'InternalError' } };
        if (kind === 2) return { kind: 'fail', facts: { code: 'ECONNRESET' } };
        ambiguous++;
        return { kind: 'store-then-drop' };
      };
      const store = new MemoryObjectStore({ faults });
      const { uploader, clock } = startUploader(source, store, { seed: percent });
      clockRef.nowMs = () => clock.monotonicMs();
      let issued = 0;
      while (clock.monotonicMs() < TEN_MINUTES) {
        const name = `segment-${String(issued).padStart(8, '0')}`;
        source.add(name, [uploadObject(issued++)]);
        uploader.notice(name);
        await clock.advance(1000);
      }
      await runVirtual(clock, () => source.receipts.size === issued, { stepMs: 1000, maxMs: 3_600_000 });
      await uploader.close();
      const verdict = await judgeMemory(source, store);
      clean(verdict);
      const again = [...store.objects.values()].length;
      assert.ok(store.puts - again <= faulted, 'at most one more put per fault');
      reportFaultRow({
        row: 'R10',
        cycles: faulted,
        ...verdict,
        note: `${percent}%: ambiguous=${ambiguous}`,
      });
    });
  }

  it('asks a store that is down at most once per backoff, however large the backlog', async () => {
    const source = memorySpool(500);
    const times: number[] = [];
    const clockRef = { nowMs: () => 0 };
    const store = new MemoryObjectStore({
      faults: () => ({ kind: 'fail', facts: { code: 'ECONNREFUSED' } }),
      onPut: () => void times.push(clockRef.nowMs()),
    });
    const { uploader, clock } = startUploader(source, store, { maxConcurrency: 8 });
    clockRef.nowMs = () => clock.monotonicMs();
    await runVirtual(clock, () => clock.monotonicMs() >= 6 * 3_600_000, {
      stepMs: 10_000,
      maxMs: 7 * 3_600_000,
    });
    await uploader.close();
    // Mean of full jitter at its cap is 150 s: 144 requests in 6 hours, and some at its beginning.
    assert.ok(times.length < 200, `${times.length} requests in 6 hours`);
    reportFaultRow({
      row: 'R10',
      cycles: 1,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `down 6 h: requests=${times.length}`,
    });
  });

  it('delivers everything through errors, resets, hangs, half bodies and slow reads of a real server', async () => {
    await using test = await startTestS3();
    const source = memorySpool(0);
    const dice = new SeededRandom(42);
    const wanted = longRun() ? 3000 : 60;
    let faulted = 0;
    const script: readonly Fault[] = [
      { kind: 'status', status: 503, code: 'SlowDown' },
      { kind: 'status', status: 500, code: 'InternalError' },
      { kind: 'reset' },
      { kind: 'hang' },
      { kind: 'half-body' },
      { kind: 'slow', bytesPerSecond: 1024 },
      { kind: 'store-then-drop' },
    ];
    test.s3.setFaults(() => {
      if (faulted >= wanted || dice.fraction() >= 0.4) return undefined;
      faulted++;
      return script[Math.floor(dice.fraction() * script.length)];
    });
    const { logger } = memoryLogger(systemClock);
    const store = new WatchedStore(test.s3);
    const deadline = { timeoutMs: 500, leastBytesPerSecond: 1_000_000 };
    const options = {
      source,
      store,
      clock: systemClock,
      random: systemRandom,
      logger,
      spreadMs: 0,
      deadline,
    };
    await using uploader = new Uploader({ ...options, retry: QUICK_RETRY });
    uploader.start();
    let issued = 0;
    while (faulted < wanted) {
      const name = `segment-${String(issued).padStart(8, '0')}`;
      source.add(name, [uploadObject(issued, `${issued}\n`.repeat(1000))]);
      uploader.notice(name);
      issued++;
      await systemClock.sleep(100);
    }
    await until(() => source.receipts.size === issued, 'all have receipts');
    await uploader.close();
    const verdict = await judgeS3(source, test.s3);
    clean(verdict);
    reportFaultRow({ row: 'R10', cycles: faulted, ...verdict, note: `real server: records=${issued}` });
  });
});

describe('R13: an answer lost after the store kept the object', () => {
  it('makes exactly one object per batch when every second answer is lost', async () => {
    await using test = await startTestS3();
    const source = memorySpool(longRun() ? 2000 : 200);
    const dice = new SeededRandom(13);
    test.s3.setFaults(({ method }) =>
      method === 'PUT' && dice.fraction() < 0.5 ? { kind: 'store-then-drop' } : undefined,
    );
    const { logger } = memoryLogger(systemClock);
    const store = new WatchedStore(test.s3);
    const options = { source, store, clock: systemClock, random: systemRandom, logger, spreadMs: 0 };
    await using uploader = new Uploader({ ...options, retry: QUICK_RETRY });
    uploader.start();
    await until(() => source.receipts.size === source.segments.size, 'all have receipts', 120_000);
    const { alreadyThere } = uploader.status();
    await uploader.close();
    const verdict = await judgeS3(source, test.s3);
    clean(verdict);
    assert.equal(test.s3.objects(TEST_BUCKET).length, source.segments.size);
    const drops = test.s3.log.filter((record) => record.fault === 'store-then-drop').length;
    assert.ok(alreadyThere > 0 && test.s3.log.some((record) => record.status === 412));
    reportFaultRow({ row: 'R13', cycles: drops, ...verdict, note: `batches=${source.segments.size}` });
  });
});

describe('R14: damage on the way or in the store', () => {
  const faults: readonly Fault[] = [
    { kind: 'flip-byte', where: 'transit' },
    { kind: 'flip-byte', where: 'store' },
    { kind: 'wrong-checksum' },
  ];
  for (const fault of faults) {
    const name = fault.kind === 'flip-byte' ? `${fault.kind} in ${fault.where}` : fault.kind;
    it(`settles nothing while every put meets ${name}, and all once it ends`, async () => {
      await using test = await startTestS3();
      const source = memorySpool(20);
      test.s3.setFaults(({ method }) => (method === 'PUT' ? fault : undefined));
      const { logger } = memoryLogger(systemClock);
      const store = new WatchedStore(test.s3);
      const options = { source, store, clock: systemClock, random: systemRandom, logger, spreadMs: 0 };
      await using uploader = new Uploader({ ...options, retry: QUICK_RETRY });
      uploader.start();
      await until(
        () => test.s3.log.length >= 100 || source.receipts.size === 20,
        'the store was asked often, or all have receipts',
      );
      // An object that was stored well, though the answer said otherwise, may be confirmed by a later look.
      assert.equal(falseReceipts(source, test.s3), 0);
      if (fault.kind === 'flip-byte') assert.equal(source.receipts.size, 0);
      const cycles = test.s3.log.filter((record) => record.fault !== undefined).length;
      test.s3.setFaults(undefined);
      await until(() => source.receipts.size === 20, 'all have receipts');
      await uploader.close();
      const verdict = await judgeS3(source, test.s3);
      clean(verdict);
      reportFaultRow({ row: 'R14', cycles, ...verdict, note: `${name}: deleted=0` });
    });
  }
});

describe('R17: objects that the store will never take', () => {
  it('keeps 1 % of poison from holding up the others', async () => {
    const count = 1000;
    const source = memorySpool(count);
    const poison = new Set(
      Array.from({ length: count / 100 }, (_, index) => uploadObject(index * 100 + 7).key),
    );
    const store = new MemoryObjectStore({
      faults: ({ key }) =>
        poison.has(key) ? { kind: 'fail', facts: { status: 400, code: 'InvalidRequest' } } : undefined,
    });
    const { uploader, clock } = startUploader(source, store);
    await runVirtual(clock, () => store.objects.size === count - poison.size, { stepMs: 100, maxMs: 10_000 });
    const delayedMs = clock.monotonicMs();
    assert.ok(delayedMs <= 1000, `the others took ${delayedMs} ms, more than one backoff`);
    // Captures go on, and their success is what tells these objects' trouble from the store's.
    for (let fresh = count; source.receipts.size < source.segments.size || fresh === count; fresh++) {
      const name = `segment-${String(fresh).padStart(8, '0')}`;
      source.add(name, [uploadObject(fresh)]);
      uploader.notice(name);
      await clock.advance(10_000);
      assert.ok(fresh < 2 * count, 'all are settled in the end');
    }
    const refused = [...source.receipts.values()].flat().filter((object) => object.result === 'refused');
    await uploader.close();
    assert.deepEqual(new Set(refused.map((object) => object.key)), poison);
    const verdict = await judgeMemory(source, store);
    assert.deepEqual(verdict, { lost: poison.size, duplicated: 0, corrupt: 0 });
    assert.equal(uploader.status().refusedObjects, poison.size);
    reportFaultRow({
      row: 'R17',
      cycles: poison.size,
      lost: verdict.lost - refused.length,
      duplicated: 0,
      corrupt: 0,
      note: `refused and counted=${refused.length}`,
    });
  });
});

describe('R19: a stall that nobody notices', () => {
  const deadline = { timeoutMs: 60_000, leastBytesPerSecond: 8192 };

  it('raises the alarm within two deadlines when the store swallows requests', async () => {
    const source = memorySpool(5);
    const store = new MemoryObjectStore({ faults: () => ({ kind: 'hang' }) });
    const { uploader, clock, lines } = startUploader(source, store, { deadline });
    const stalled = (): boolean => uploader.status().stalled;
    await runVirtual(clock, stalled, { stepMs: 1000, maxMs: 3 * deadline.timeoutMs });
    const alarmMs = clock.monotonicMs();
    assert.ok(lines.some((line) => line.includes('Uploads are stalled')));
    assert.ok(store.puts >= 2, 'a put that meets its deadline is tried again');
    await uploader.close();
    reportFaultRow({
      row: 'R19',
      cycles: 1,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `alarm after ${alarmMs} ms`,
    });
  });

  it('gives up a put that heeds no abort at twice its deadline, goes on, and asks for help at the third', async () => {
    const source = memorySpool(1);
    let stuck = true;
    let askedForHelp = 0;
    const store = new MemoryObjectStore({ faults: () => (stuck ? { kind: 'stuck' } : undefined) });
    const onStuck = (): void => void askedForHelp++;
    const { uploader, clock } = startUploader(source, store, { deadline, onStuck });
    await clock.advance(2 * deadline.timeoutMs + 1000);
    assert.equal(store.resets, 1);
    await runVirtual(clock, () => askedForHelp === 1, { stepMs: 1000, maxMs: 600_000 });
    assert.equal(store.resets, 3);
    stuck = false;
    await runVirtual(clock, () => source.receipts.size === 1, { stepMs: 1000, maxMs: 300_000 });
    await uploader.close();
    const verdict = await judgeMemory(source, store);
    clean(verdict);
    reportFaultRow({ row: 'R19', cycles: 3, ...verdict, note: 'stuck puts given up at 2x deadline' });
  });
});
