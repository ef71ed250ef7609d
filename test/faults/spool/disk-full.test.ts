import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openSpool, type Priority, type QuotaPolicy, type SpoolOptions } from '../../../src/capture/mod.js';
import { ManualClock, SeededRandom, silentLogger } from '../../../src/core/mod.js';
import { MemoryDisk, nodeDisk } from '../../../src/disk/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { longRun, reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { fillDisk, mountMissing, mountTmpfs, unmount } from '../../lib/mounts.js';
import { CLEAN, deliverAll, judge, type Delivered } from '../../lib/oracle.js';
import { bytesOf, testRecord, TEST_LAYOUT } from '../../lib/spool-fixture.js';
import { openFaultSpool } from './fault-spool.js';
import { isWithin } from '../../lib/patience.js';

const issued = (id: string): ReturnType<typeof testRecord> => testRecord(Number(id.split('-')[1]));

describe('faults: the disk is full', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'edge-manager-full-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('R6: others fill it; draining goes on, makes room, and capture recovers without a restart', async function () {
    const missing = mountMissing('mount');
    if (missing !== undefined) {
      skipFaultRow('R6', missing);
      this.skip();
    }
    const disk = join(folder, 'mnt');
    mountTmpfs(disk, 16);
    try {
      await fullDiskCycles(disk, longRun() ? 500 : 50);
    } finally {
      unmount(disk);
    }
  });

  it('R7: issued = delivered + dropped + queued under any quota, policy and order of events', async () => {
    const runs = longRun() ? 10_000 : 1000;
    const seed = Number(process.env['EDGE_MANAGER_SEED'] ?? 7);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<QuotaPolicy>('refuse', 'drop-oldest', 'drop-newest'),
        fc.integer({ min: 3000, max: 12_000 }),
        fc.array(
          fc.oneof(
            {
              weight: 5,
              arbitrary: fc.integer({ min: 1, max: 12 }).map((count) => ({ step: 'append' as const, count })),
            },
            { weight: 1, arbitrary: fc.constant({ step: 'deliver' as const }) },
            { weight: 1, arbitrary: fc.constant({ step: 'restart' as const }) },
            { weight: 1, arbitrary: fc.constant({ step: 'wait' as const }) },
          ),
          { maxLength: 12 },
        ),
        quotaModel,
      ),
      { numRuns: runs, seed },
    );
    reportFaultRow({
      row: 'R7',
      cycles: runs,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `model seed=${seed}`,
    });
  });

  it('R7: the folder stays below quota and one segment at every sample, ten times overloaded', async () => {
    const quotaBytes = 400_000;
    const segmentBytes = 50_000;
    const root = join(folder, 'spool');
    const quotas = { sample: { bytes: quotaBytes, policy: 'drop-oldest' as const } };
    const spool = await openFaultSpool(root, { quotas, segmentBytes, maxPendingBytes: 4_000_000 });
    let isRunning = true;
    let most = 0;
    let samples = 0;
    const sampling = (async () => {
      while (isRunning) {
        // A segment that closes between the two looks would count twice.
        const sizes = new Map([
          ...(await sizesIn(join(root, 'open'))),
          ...(await sizesIn(join(root, 'closed'))),
        ]);
        most = Math.max(
          most,
          [...sizes.values()].reduce((sum, size) => sum + size, 0),
        );
        samples += 1;
        await systemClock.sleep(10);
      }
    })();
    const input = { name: 'input', datatype: 'UINT8' as const, shape: [4096], data: bytesOf(1, 4096) };
    for (let number = 0; number < 1000; number += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, step) => spool.append(testRecord(number + step, { inputs: [input] }))),
      );
    }
    isRunning = false;
    await sampling;
    await spool.close();
    reportFaultRow({
      row: 'R7',
      cycles: samples,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `most=${most}B of ${quotaBytes}B`,
    });
    assert.ok(most <= quotaBytes + segmentBytes, `${most} bytes`);
    assert.ok(most > quotaBytes / 2, 'the quota was not reached');
  });
});

async function fullDiskCycles(disk: string, cycles: number): Promise<void> {
  const spool = await openFaultSpool(join(disk, 'spool'), { segmentBytes: 20_000 });
  const acked: string[] = [];
  const delivered: Delivered[] = [];
  let refused = 0;
  let slowestMs = 0;
  let number = 0;
  const append = async (): Promise<boolean> => {
    const record = testRecord(number++);
    const outcome = await spool.append(record);
    if (outcome.outcome === 'spooled') acked.push(record.captureId);
    else assert.equal(outcome.reason, 'no-space');
    return outcome.outcome === 'spooled';
  };
  const drain = async (): Promise<void> => {
    delivered.push(...(await deliverAll(nodeDisk, join(disk, 'spool'))));
    await spool.reconcile();
  };
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (let count = 0; count < 60; count++) await append();
    const hog = join(disk, 'hog');
    fillDisk(hog);
    for (let count = 0; count < 60; count++) if (!(await append())) refused += 1;
    const before = systemClock.monotonicMs();
    // Nobody gives room but the spool itself: closed segments go out and are deleted.
    while (!(await append())) {
      await drain();
      await systemClock.sleep(5);
      assert.ok(isWithin(systemClock.monotonicMs() - before, 5000), 'capture did not recover within 5 s');
    }
    slowestMs = Math.max(slowestMs, systemClock.monotonicMs() - before);
    rmSync(hog);
    await drain();
  }
  await spool.close();
  await drain();
  const verdict = judge({ issued, acked, delivered });
  const note = `refused=${refused} slowestRecoveryMs=${Math.round(slowestMs)}`;
  const { lost, duplicated, corrupt } = verdict;
  reportFaultRow({
    row: 'R6',
    cycles,
    lost: lost.length,
    duplicated: duplicated.length,
    corrupt: corrupt.length,
    note,
  });
  assert.deepEqual(verdict, CLEAN);
  assert.ok(refused > cycles, 'the disk was never full');
}

type Step =
  { readonly step: 'append'; readonly count: number } | { readonly step: 'deliver' | 'restart' | 'wait' };

/** Drives a spool in memory and keeps the books beside it. */
async function quotaModel(policy: QuotaPolicy, quotaBytes: number, steps: readonly Step[]): Promise<void> {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  const segmentBytes = 1500;
  const priority: Priority = 'sample';
  const dropped = new Set<string>();
  let starts = 0;
  const open = async (): ReturnType<typeof openSpool> => {
    const options: SpoolOptions = {
      root: '/spool',
      layout: TEST_LAYOUT,
      disk,
      clock,
      random: new SeededRandom(++starts),
      log: silentLogger,
      boot: { bootId: 'boot', monotonicMs: () => clock.monotonicMs() },
      segmentBytes,
      quotas: { [priority]: { bytes: quotaBytes, policy } },
    };
    const spool = await openSpool(options);
    spool.onState((state, ids) => {
      if (state === 'DROPPED') for (const id of ids) dropped.add(id);
    });
    return spool;
  };
  let spool = await open();
  const acked: string[] = [];
  const delivered: Delivered[] = [];
  let issuedCount = 0;
  let refused = 0;
  for (const step of steps) {
    if (step.step === 'append') {
      const numbers = Array.from({ length: step.count }, () => issuedCount++);
      const outcomes = await Promise.all(numbers.map((number) => spool.append(testRecord(number))));
      outcomes.forEach(({ outcome }, at) => {
        if (outcome === 'spooled') acked.push(`capture-${numbers[at]}`);
        else refused += 1;
      });
    } else if (step.step === 'wait') await clock.advance(5000);
    else if (step.step === 'deliver') {
      delivered.push(...(await deliverAll(disk, '/spool')));
      await spool.reconcile();
    } else {
      await spool.close();
      spool = await open();
    }
    const used = [...disk.files()].reduce(
      (sum, [path, { byteLength }]) => sum + (/\/(open|closed)\//.test(path) ? byteLength : 0),
      0,
    );
    assert.ok(used <= quotaBytes + 2 * segmentBytes, `${used} bytes of ${quotaBytes}`);
    const evicted = acked.filter((id) => dropped.has(id)).length;
    assert.equal(issuedCount, delivered.length + refused + evicted + spool.stats().queuedRecords, step.step);
  }
  await spool.close();
  delivered.push(...(await deliverAll(disk, '/spool')));
  assert.deepEqual(judge({ issued, acked, delivered, dropped }), CLEAN);
  if (policy !== 'drop-oldest') assert.equal(delivered.length, acked.length);
}

/** Bytes by segment. */
async function sizesIn(folder: string): Promise<[string, number][]> {
  return await Promise.all(
    (await readdir(folder)).map(async (name): Promise<[string, number]> => [
      name.split('.')[0] ?? name,
      await stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ]),
  );
}
