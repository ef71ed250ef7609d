import assert from 'node:assert/strict';
import {
  claimSegment,
  listClosed,
  openSpool,
  type CaptureSpool,
  type SpoolOptions,
} from '../../../src/capture/mod.js';
import { ManualClock, SeededRandom, silentLogger } from '../../../src/core/mod.js';
import { MemoryDisk, type Disk, type DiskOperation } from '../../../src/disk/mod.js';
import { CLEAN, deliverAll, judge } from '../../lib/oracle.js';
import { testRecord, TEST_LAYOUT } from '../../lib/spool-fixture.js';

const ROOT = '/spool';

function options(disk: MemoryDisk, change: Partial<SpoolOptions> = {}): SpoolOptions {
  const clock = change.clock ?? new ManualClock();
  return {
    root: ROOT,
    layout: TEST_LAYOUT,
    disk,
    clock,
    random: new SeededRandom(disk.counts.get('create') ?? 0),
    log: silentLogger,
    boot: { bootId: 'boot-1', monotonicMs: () => clock.monotonicMs() },
    ...change,
  };
}

const issued = (id: string): ReturnType<typeof testRecord> => testRecord(Number(id.split('-')[1]));

/** Appends records and gives the ids that were acknowledged. */
async function appendAll(spool: CaptureSpool, from: number, count: number): Promise<string[]> {
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  const outcomes = await Promise.all(
    numbers.map(async (number) => ({ number, ...(await spool.append(testRecord(number))) })),
  );
  return outcomes.filter(({ outcome }) => outcome === 'spooled').map(({ number }) => `capture-${number}`);
}

describe('the spool', () => {
  it('acknowledges after one sync for all that came together, and delivers each record once', async () => {
    const disk = new MemoryDisk();
    const spool = await openSpool(options(disk));
    const acked = await appendAll(spool, 0, 100);
    assert.equal(acked.length, 100);
    assert.ok((disk.counts.get('sync') ?? 0) <= 2, `${disk.counts.get('sync')} syncs`);
    await spool.close();
    assert.deepEqual(judge({ issued, acked, delivered: await deliverAll(disk, ROOT) }), CLEAN);
  });

  it('closes a segment after the push period and says so', async () => {
    const clock = new ManualClock();
    const spool = await openSpool(options(new MemoryDisk(), { clock }));
    const closed: string[] = [];
    spool.onClosed((segment) => closed.push(segment));
    await appendAll(spool, 0, 3);
    await clock.advance(3999);
    assert.equal(closed.length, 0);
    await clock.advance(1);
    await clock.advance(0);
    assert.equal(closed.length, 1);
    await spool.close();
  });

  it('follows a record from pending to uploaded, and remembers it after a restart', async () => {
    const disk = new MemoryDisk();
    const spool = await openSpool(options(disk));
    const events: string[] = [];
    spool.onState((state, ids) => events.push(`${state}:${ids.join(',')}`));
    const appended = spool.append(testRecord(1));
    assert.equal(spool.status('capture-1').state, 'PENDING');
    assert.deepEqual(await appended, { outcome: 'spooled', mode: 'durable', sequence: 1 });
    assert.equal(spool.status('capture-1').state, 'SPOOLED');
    assert.deepEqual(await spool.append(testRecord(1)), { outcome: 'dropped', reason: 'duplicate' });
    await spool.close();

    const again = await openSpool(options(disk));
    assert.equal(again.status('capture-1').state, 'SPOOLED');
    again.onState((state, ids) => events.push(`${state}:${ids.join(',')}`));
    await deliverAll(disk, ROOT);
    await again.reconcile();
    assert.equal(again.status('capture-1').state, 'UPLOADED');
    assert.equal(again.stats().delivered, 1);
    assert.equal(again.stats().queuedRecords, 0);
    assert.deepEqual(await listClosed(disk, ROOT), []);
    await again.close();

    const third = await openSpool(options(disk));
    assert.equal(third.status('capture-1').state, 'UPLOADED');
    assert.equal((await third.append(testRecord(2))).outcome, 'spooled');
    assert.deepEqual(events, ['SPOOLED:capture-1', 'UPLOADED:capture-1']);
    await third.close();
    assert.deepEqual(
      (await deliverAll(disk, ROOT)).map(({ sequence }) => sequence),
      [2],
    );
  });

  it('puts many receipts together and still remembers', async () => {
    const disk = new MemoryDisk();
    const spool = await openSpool(options(disk, { segmentBytes: 1 }));
    const acked: string[] = [];
    for (let number = 0; number < 150; number++) {
      acked.push(...(await appendAll(spool, number, 1)));
      if (number % 50 !== 49) continue;
      await spool.close();
    }
    await spool.close();
    await deliverAll(disk, ROOT);
    await spool.reconcile();
    const again = await openSpool(options(disk));
    assert.ok(acked.every((id) => again.status(id).state === 'UPLOADED'));
    assert.ok([...disk.files().keys()].filter((path) => path.includes('/done/')).length < 70);
    await again.close();
  });

  it('spares flash: with a pause, records within it share the next sync, and all are acknowledged', async () => {
    const clock = new ManualClock();
    const disk = new MemoryDisk();
    const spool = await openSpool(options(disk, { clock, commit: { mode: 'durable', pauseMs: 50 } }));
    await appendAll(spool, 0, 1);
    const before = disk.counts.get('sync') ?? 0;
    const acked: number[] = [];
    for (let number = 1; number <= 4; number++) {
      void spool.append(testRecord(number)).then(() => acked.push(number));
      await clock.advance(10);
    }
    assert.deepEqual(acked, []);
    await clock.advance(10);
    assert.equal(acked.length, 4);
    assert.equal((disk.counts.get('sync') ?? 0) - before, 1);
  });

  it('in interval mode acknowledges after the write and syncs once a window', async () => {
    const clock = new ManualClock();
    const disk = new MemoryDisk();
    const spool = await openSpool(options(disk, { clock, commit: { mode: 'interval', windowMs: 50 } }));
    for (let number = 0; number < 20; number++) {
      assert.deepEqual((await spool.append(testRecord(number))).outcome, 'spooled');
    }
    assert.equal(disk.counts.get('sync') ?? 0, 0);
    await clock.advance(50);
    await clock.advance(0);
    assert.equal(disk.counts.get('sync'), 1);
    disk.cutPower();
    const again = await openSpool(options(disk));
    await again.close();
    assert.equal((await deliverAll(disk, ROOT)).length, 20);
  });

  for (const policy of ['refuse', 'drop-newest'] as const) {
    it(`stays within the quota under ${policy}`, async () => {
      const disk = new MemoryDisk();
      const quotas = { sample: { bytes: 20_000, policy } };
      const spool = await openSpool(options(disk, { quotas, segmentBytes: 4000 }));
      const acked = await appendAll(spool, 0, 500);
      const { drops } = spool.stats();
      assert.equal(acked.length + (drops['quota'] ?? 0), 500);
      assert.ok(acked.length > 10 && acked.length < 100);
      assert.equal(spool.status('capture-499').state, policy === 'refuse' ? 'UNKNOWN' : 'DROPPED');
      await spool.close();
      assert.deepEqual(judge({ issued, acked, delivered: await deliverAll(disk, ROOT) }), CLEAN);
    });
  }

  it('evicts the oldest under drop-oldest, counted exactly', async () => {
    const disk = new MemoryDisk();
    const quotas = { sample: { bytes: 20_000, policy: 'drop-oldest' as const } };
    const spool = await openSpool(options(disk, { quotas, segmentBytes: 4000 }));
    const dropped = new Set<string>();
    spool.onState((state, ids) => {
      if (state === 'DROPPED') for (const id of ids) dropped.add(id);
    });
    const acked: string[] = [];
    for (let number = 0; number < 300; number += 5) acked.push(...(await appendAll(spool, number, 5)));
    assert.equal(acked.length, 300);
    await spool.close();
    const delivered = await deliverAll(disk, ROOT);
    assert.deepEqual(judge({ issued, acked, delivered, dropped }), CLEAN);
    assert.equal(delivered.length + dropped.size, 300);
    assert.equal(spool.stats().drops['quota:drop-oldest'], dropped.size);
    assert.ok(delivered.some(({ captureId }) => captureId === 'capture-299'));
    const again = await openSpool(options(disk));
    assert.equal(again.status('capture-0').state, 'DROPPED');
    await again.close();
  });

  it('never evicts a segment that is being uploaded', async () => {
    const disk = new MemoryDisk();
    const quotas = { sample: { bytes: 6000, policy: 'drop-oldest' as const } };
    const spool = await openSpool(options(disk, { quotas, segmentBytes: 1500 }));
    await appendAll(spool, 0, 6);
    const [oldest] = await listClosed(disk, ROOT);
    assert.ok(oldest !== undefined);
    const release = await claimSegment(disk, ROOT, oldest);
    for (let number = 10; number < 60; number += 5) await appendAll(spool, number, 5);
    assert.ok((await listClosed(disk, ROOT)).some(({ base }) => base === oldest.base));
    assert.ok((spool.stats().drops['quota:drop-oldest'] ?? 0) > 20);
    await release();
    for (let number = 60; number < 90; number += 5) await appendAll(spool, number, 5);
    assert.ok(!(await listClosed(disk, ROOT)).some(({ base }) => base === oldest.base));
    await spool.close();
  });

  it('keeps each class to its own quota', async () => {
    const quotas = { sample: { bytes: 4000, policy: 'refuse' as const } };
    const spool = await openSpool(options(new MemoryDisk(), { quotas }));
    await appendAll(spool, 0, 50);
    assert.equal((await spool.append(testRecord(100))).outcome, 'dropped');
    assert.equal((await spool.append(testRecord(101, { priority: 'error' }))).outcome, 'spooled');
    await spool.close();
  });

  it('answers no-space on a full disk, and goes on once there is room, without a restart', async () => {
    const disk = new MemoryDisk();
    const spool = await openSpool(options(disk, { segmentBytes: 3000 }));
    const acked = await appendAll(spool, 0, 20);
    disk.capacityBytes = disk.usedBytes() + 100;
    const full = await spool.append(testRecord(50));
    assert.deepEqual(full, { outcome: 'dropped', reason: 'no-space' });
    const delivered = await deliverAll(disk, ROOT);
    await spool.reconcile();
    acked.push(...(await appendAll(spool, 60, 3)));
    assert.ok(acked.includes('capture-60'));
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    await spool.close();
    delivered.push(...(await deliverAll(disk, ROOT)));
    assert.deepEqual(judge({ issued, acked, delivered }), CLEAN);
  });

  it('leaves foreign files alone and starts whatever the others hold', async () => {
    const disk = new MemoryDisk();
    const spool = await openSpool(options(disk));
    const acked = await appendAll(spool, 0, 5);
    await spool.close();
    for (const path of [
      'open/notes',
      'closed/copy of x.seg',
      'done/history-0000000000000009.json',
      'done/x.receipt',
    ]) {
      disk.put(`${ROOT}/${path}`, Buffer.from('{"v":'));
    }
    const [name] = await listClosed(disk, ROOT);
    disk.put(`${ROOT}/done/${name?.base}.receipt`, Buffer.from('garbled'));
    const again = await openSpool(options(disk));
    await again.close();
    assert.deepEqual(judge({ issued, acked, delivered: await deliverAll(disk, ROOT) }), CLEAN);
    assert.ok(disk.files().has(`${ROOT}/closed/copy of x.seg`));
  });
});

function withChange(disk: MemoryDisk, change: Partial<Disk>): Disk {
  return {
    makeFolder: async () => await disk.makeFolder(),
    list: async (path) => await disk.list(path),
    stat: async (path) => await disk.stat(path),
    create: async (path) => await disk.create(path),
    read: async (path, from) => await disk.read(path, from),
    rename: async (from, to) => await disk.rename(from, to),
    remove: async (path) => await disk.remove(path),
    syncFolder: async (path) => await disk.syncFolder(path),
    ...change,
  };
}

/** A life of a spool: appends, closes, delivers, settles; the power may go at any operation of it. */
async function life(disk: MemoryDisk, acked: string[], change: Partial<SpoolOptions> = {}): Promise<void> {
  const spool = await openSpool(options(disk, { segmentBytes: 1500, ...change }));
  for (let number = 0; number < 12; number += 3) {
    const outcomes = await Promise.all(
      [0, 1, 2].map(async (index) => ({
        id: `capture-${number + index}`,
        ...(await spool.append(testRecord(number + index))),
      })),
    );
    acked.push(...outcomes.filter(({ outcome }) => outcome === 'spooled').map(({ id }) => id));
  }
  await spool.close();
}

async function afterwards(disk: MemoryDisk, acked: string[]): Promise<void> {
  const again = await openSpool(options(disk, { random: new SeededRandom(99) }));
  assert.equal((await again.append(testRecord(1000))).outcome, 'spooled', 'a fresh record gets through');
  await again.close();
  const delivered = await deliverAll(disk, ROOT);
  assert.deepEqual(judge({ issued, acked: [...acked, 'capture-1000'], delivered }), CLEAN);
  await again.reconcile();
  const settled = await openSpool(options(disk, { random: new SeededRandom(100) }));
  await settled.close();
  assert.deepEqual(await deliverAll(disk, ROOT), [], 'nothing is delivered twice');
}

describe('the spool under faults in memory', () => {
  it('loses nothing that was acknowledged, wherever the power goes', async () => {
    for (let at = 1; ; at++) {
      const disk = new MemoryDisk();
      const acked: string[] = [];
      let operations = 0;
      let isDead = false;
      disk.fault = (operation) => {
        operations += 1;
        isDead ||= operations >= at;
        if (isDead) throw MemoryDisk.error('io', operation);
      };
      await life(disk, acked).catch(() => undefined);
      if (!isDead) {
        assert.ok(at > 40, `only ${at} operations were tried`);
        return;
      }
      disk.fault = undefined;
      disk.cutPower();
      await afterwards(disk, acked);
    }
  });

  const mutants: readonly [string, (disk: MemoryDisk) => Disk][] = [
    [
      'a spool that forgets to sync its file',
      (disk) =>
        withChange(disk, {
          create: async (path) => ({ ...(await disk.create(path)), sync: async () => undefined }),
        }),
    ],
    [
      'a spool that forgets to sync its folder',
      (disk) => withChange(disk, { syncFolder: async () => undefined }),
    ],
  ];
  for (const [title, mutate] of mutants) {
    it(`would notice ${title}`, async () => {
      const disk = new MemoryDisk();
      const acked: string[] = [];
      await life(disk, acked, { disk: mutate(disk) });
      disk.cutPower();
      await assert.rejects(afterwards(disk, acked), assert.AssertionError);
    });
  }

  for (const kind of ['io', 'space'] as const) {
    it(`loses nothing that was acknowledged, whichever operation fails once (${kind})`, async () => {
      for (let at = 1; ; at++) {
        const disk = new MemoryDisk();
        const acked: string[] = [];
        let operations = 0;
        let failed: DiskOperation | undefined;
        disk.fault = (operation) => {
          operations += 1;
          if (operations !== at) return;
          failed = operation;
          throw MemoryDisk.error(kind, operation);
        };
        await life(disk, acked).catch(() => undefined);
        disk.fault = undefined;
        if (failed === undefined) {
          assert.ok(at > 40, `only ${at} operations were tried`);
          break;
        }
        if (failed === 'sync' || failed === 'append') disk.cutPower();
        await afterwards(disk, acked);
      }
    });
  }

  it('writes what a failed sync left to a new file, and acknowledges it there', async () => {
    const disk = new MemoryDisk();
    const clock = new ManualClock();
    const spool = await openSpool(options(disk, { clock }));
    await appendAll(spool, 0, 2);
    let failures = 1;
    disk.fault = (operation) => {
      if (operation === 'sync' && failures-- > 0) throw MemoryDisk.error('io', operation);
    };
    assert.deepEqual(await appendAll(spool, 2, 2), ['capture-2', 'capture-3']);
    disk.fault = undefined;
    await clock.advance(10_000);
    await spool.close();
    assert.equal([...disk.files().keys()].filter((path) => path.includes('/open/')).length, 0);
    const acked = ['capture-0', 'capture-1', 'capture-2', 'capture-3'];
    assert.deepEqual(judge({ issued, acked, delivered: await deliverAll(disk, ROOT) }), CLEAN);
  });
});
