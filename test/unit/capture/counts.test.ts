import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  listClosed,
  spoolFolders,
  ReceiptWriter,
  type CaptureSpool,
  type QuotaPolicy,
} from '../../../src/capture/mod.js';
import type { CaptureStats } from '../../../src/contract/mod.js';
import { ManualClock } from '../../../src/core/mod.js';
import { MemoryDisk } from '../../../src/disk/mod.js';
import { longRun } from '../../lib/fault-table.js';
import { deliverAll } from '../../lib/oracle.js';
import { testRecord } from '../../lib/spool-fixture.js';
import { openMemorySpool } from '../../lib/spools.js';

const ROOT = '/spool';

/** A spool on a disk in memory that is killed and opened again, with the books kept beside it. */
class Lives {
  readonly disk = new MemoryDisk();
  readonly clock = new ManualClock();
  readonly quotaBytes: number;
  readonly policy: QuotaPolicy;
  declare spool: CaptureSpool;
  issued = 0;
  acked = 0;
  refused = 0;
  delivered = 0;
  starts = 0;

  constructor(policy: QuotaPolicy = 'refuse', quotaBytes = 1_000_000) {
    this.policy = policy;
    this.quotaBytes = quotaBytes;
  }

  /** Opens it as a new process would: nothing was closed before. */
  async start(): Promise<void> {
    this.spool = await openMemorySpool(this.disk, this.clock, ++this.starts, {
      segmentBytes: 1500,
      clockSynchronised: () => true,
      quotas: { sample: { bytes: this.quotaBytes, policy: this.policy } },
    });
  }

  async append(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, () => this.issued++);
    const outcomes = await Promise.all(numbers.map((number) => this.spool.append(testRecord(number))));
    this.acked += outcomes.filter(({ outcome }) => outcome === 'spooled').length;
    this.refused += outcomes.filter(({ outcome }) => outcome === 'dropped').length;
  }

  async deliver(): Promise<void> {
    this.delivered += (await deliverAll(this.disk, ROOT, undefined, this.clock.wallMs())).length;
    await this.spool.reconcile();
  }

  /** The counts are those of the books, to the record. */
  check(when: string): void {
    const { issued, acked, delivered, drops, queuedRecords } = this.spool.stats();
    const { 'quota:drop-oldest': evicted = 0, quota = 0, ...others } = drops;
    assert.deepEqual(others, {}, when);
    assert.deepEqual(
      { issued, acked, delivered, refused: quota, rest: queuedRecords + evicted },
      {
        issued: this.issued,
        acked: this.acked,
        delivered: this.delivered,
        refused: this.refused,
        rest: this.acked - this.delivered,
      },
      when,
    );
  }
}

function sumOf(drops: CaptureStats['drops']): number {
  return Object.values(drops).reduce((sum, count) => sum + count, 0);
}

/** One record, and so one segment and one receipt, at a time. */
async function deliverOneByOne(lives: Lives, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    await lives.append(1);
    await lives.clock.advance(5000);
  }
  await lives.deliver();
}

describe('the counts of the spool', () => {
  it('hold over kills, under any quota, policy and order of events', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<QuotaPolicy>('refuse', 'drop-oldest', 'drop-newest'),
        fc.integer({ min: 3000, max: 12_000 }),
        fc.array(
          fc.oneof(
            { weight: 5, arbitrary: fc.integer({ min: 1, max: 12 }) },
            { weight: 4, arbitrary: fc.constantFrom('deliver', 'kill', 'close', 'wait') },
          ),
          { maxLength: 14 },
        ),
        async (policy, quotaBytes, steps) => {
          const lives = new Lives(policy, quotaBytes);
          await lives.start();
          for (const step of steps) {
            if (typeof step === 'number') await lives.append(step);
            else if (step === 'deliver') await lives.deliver();
            else if (step === 'wait') await lives.clock.advance(5000);
            else if (step === 'close') await lives.spool.close();
            if (step === 'kill' || step === 'close') await lives.start();
            lives.check(String(step));
          }
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  it('tell what was delivered while the agent was away', async () => {
    const lives = new Lives();
    await lives.start();
    await lives.append(5);
    await lives.spool.close();
    lives.delivered += (await deliverAll(lives.disk, ROOT)).length;
    await lives.start();
    lives.check('after the start');
    assert.equal(lives.delivered, 5);
  });

  it('hold once receipts are put together, and once those are forgotten', async () => {
    const lives = new Lives();
    await lives.start();
    for (let day = 0; day < 4; day++) {
      await deliverOneByOne(lives, 70);
      lives.check(`day ${day}`);
      await lives.start();
      lives.check(`after the start of day ${day}`);
      await lives.clock.advance(2 * 86_400_000);
    }
    const histories = [...lives.disk.files().keys()].filter((path) => path.includes('/history-'));
    assert.ok(histories.length < 4, 'nothing was forgotten');
    // What is forgotten takes its sequence numbers with it, not their order.
    const outcome = await lives.spool.append(testRecord(9999));
    assert.equal(outcome.outcome === 'spooled' ? outcome.sequence : 0, 281);
  });

  it('hold wherever a kill comes while receipts are put together and old ones forgotten', async () => {
    for (let at = 1; ; at++) {
      const lives = new Lives();
      await lives.start();
      await deliverOneByOne(lives, 70);
      await lives.clock.advance(2 * 86_400_000);
      for (let number = 0; number < 70; number++) {
        await lives.append(1);
        await lives.clock.advance(5000);
      }
      let operations = 0;
      lives.disk.fault = (operation) => {
        operations += 1;
        if (operations >= at) throw MemoryDisk.error('io', operation);
      };
      await lives.deliver().catch(() => undefined);
      const isOver = operations < at;
      lives.disk.fault = undefined;
      await lives.start();
      await lives.deliver();
      lives.delivered = 140;
      lives.check(`killed at operation ${at}`);
      await lives.start();
      lives.check(`after another start, killed at operation ${at}`);
      if (isOver) break;
      // Some tell enough of the many receipts.
      if (at > 20) at += longRun() ? 6 : 22;
    }
  });

  it('hold on a full disk, where segments are finished without a receipt', async () => {
    const lives = new Lives();
    await lives.start();
    await lives.append(30);
    await lives.clock.advance(5000);
    lives.disk.capacityBytes = lives.disk.usedBytes();
    await lives.deliver();
    assert.equal(lives.delivered, 30);
    lives.check('on the full disk');
    await lives.start();
    lives.check('after a start');
    lives.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await deliverOneByOne(lives, 70);
    lives.check('once there was room');
    await lives.start();
    lives.check('at the end');
    assert.deepEqual(
      [...lives.disk.files().keys()].filter((path) => path.endsWith('.sent')),
      [],
    );
  });

  it('count what was refused for a full disk, and what the uploader gave up or could not read', async () => {
    const lives = new Lives();
    await lives.start();
    await lives.append(9);
    const free = lives.disk.capacityBytes;
    lives.disk.capacityBytes = lives.disk.usedBytes() + 50;
    assert.equal((await lives.spool.append(testRecord(100))).outcome, 'dropped');
    lives.disk.capacityBytes = free;
    await lives.spool.close();
    const [refused, damaged] = await listClosed(lives.disk, ROOT);
    assert.ok(refused !== undefined && damaged !== undefined);
    const object = { key: 'k', sizeBytes: 1, sha256: '', reason: 'too large' };
    const captureIds = Array.from({ length: refused.records }, (_, number) => `capture-${number}`);
    await new ReceiptWriter(lives.disk, ROOT).write(refused, {
      finishedMs: 0,
      lostRecords: 0,
      objects: [{ ...object, captureIds, outcome: 'quarantined' }],
    });
    await new ReceiptWriter(lives.disk, ROOT).write(damaged, {
      finishedMs: 0,
      lostRecords: damaged.records,
      objects: [],
    });
    for (let start = 0; start < 3; start++) {
      await lives.start();
      const { issued, delivered, drops, queuedRecords } = lives.spool.stats();
      assert.deepEqual(drops, {
        'no-space': 1,
        quarantined: refused.records,
        damaged: damaged.records,
      });
      assert.equal(issued, 10);
      assert.equal(issued, delivered + sumOf(drops) + queuedRecords);
    }
  });

  it('start again from what is left where files are gone, garbled or strange', async () => {
    const lives = new Lives('refuse', 3000);
    await lives.start();
    await lives.append(40);
    assert.ok(lives.refused > 0);
    const { counts } = spoolFolders(ROOT);
    const [kept = ''] = [...lives.disk.files().keys()].filter((path) => path.startsWith(counts));
    for (const name of [
      'quota.1',
      'quota.0000000000000001',
      '../x',
      'quota.99999999999999999',
      'quota.9999999999999999',
    ]) {
      lives.disk.put(`${counts}/${name}`, Buffer.from('nobody reads this'));
    }
    await lives.start();
    lives.check('beside strange names');
    await lives.disk.remove(kept);
    await lives.start();
    const { issued, acked, queuedRecords, drops } = lives.spool.stats();
    assert.equal(acked, lives.acked);
    assert.equal(issued, queuedRecords + sumOf(drops));
  });

  it('wait for a disk that fails, and go with the next drop', async () => {
    const lives = new Lives('refuse', 3000);
    await lives.start();
    await lives.append(40);
    lives.disk.fault = (operation, path) => {
      if (path.includes('/counts/')) throw MemoryDisk.error('io', operation);
    };
    await lives.append(5);
    lives.check('while it fails');
    lives.disk.fault = undefined;
    await lives.append(1);
    await lives.start();
    lives.check('after a start');
  });

  it('hold at every moment of a write, a close and a delivery', async () => {
    const lives = new Lives('drop-oldest', 6000);
    await lives.start();
    const wrong: unknown[] = [];
    lives.disk.fault = (operation, path) => {
      const { issued, delivered, drops, queuedRecords } = lives.spool.stats();
      if (issued !== delivered + sumOf(drops) + queuedRecords) wrong.push([operation, path]);
    };
    for (let round = 0; round < 6; round++) {
      await lives.append(10);
      await lives.clock.advance(5000);
      if (round % 2 === 1) await lives.deliver();
    }
    assert.deepEqual(wrong, []);
    assert.ok(lives.delivered > 0);
  });
});
