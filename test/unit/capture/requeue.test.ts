import assert from 'node:assert/strict';
import {
  listClosed,
  openSegment,
  spoolFolders,
  ReceiptWriter,
  type CaptureSpool,
  type SpoolOptions,
} from '../../../src/capture/mod.js';
import { ManualClock } from '../../../src/core/mod.js';
import { MemoryDisk } from '../../../src/disk/mod.js';
import { recordsIn } from '../../lib/oracle.js';
import { testRecord } from '../../lib/spool-fixture.js';
import { openMemorySpool } from '../../lib/spools.js';

const ROOT = '/spool';
const DAY_MS = 86_400_000;
const REASON = 'The store refuses this object for good (400 EntityTooLarge)';
/** Of the nine records of a scene, those in objects that the store refused. */
const REFUSED = [3, 4, 5, 6, 7, 8];

/** A spool in memory with a store beside it, by keys as S3 has it. */
class Scene {
  readonly disk = new MemoryDisk();
  readonly clock = new ManualClock();
  readonly store = new Map<string, Uint8Array>();
  readonly options: Partial<SpoolOptions>;
  declare spool: CaptureSpool;
  puts = 0;
  starts = 0;

  constructor(options: Partial<SpoolOptions> = {}) {
    this.options = options;
  }

  async start(): Promise<void> {
    this.spool = await openMemorySpool(this.disk, this.clock, ++this.starts, {
      layout: {
        prefix: 'p',
        fleet: 'f',
        device: 'd',
        batchSize: 3,
        embedLimitBytes: 3072,
        referenceBase: '',
      },
      clockSynchronised: () => true,
      ...this.options,
    });
  }

  /** As the uploader does: what the store takes by key lies there once, and each segment gets its receipt. */
  async upload(refused: readonly number[] = []): Promise<void> {
    const ids = new Set(refused.map((number) => `capture-${number}`));
    for (const name of await listClosed(this.disk, ROOT)) {
      const segment = await openSegment(this.disk, ROOT, name);
      const objects = [...segment.objects()].map((object) => {
        const isRefused = object.captureIds.some((id) => ids.has(id));
        if (!isRefused) this.store.set(object.key, object.bytes);
        this.puts++;
        const { key, sha256, captureIds, bytes } = object;
        const common = { key, sha256, captureIds: [...captureIds], sizeBytes: bytes.byteLength };
        return isRefused
          ? { ...common, outcome: 'quarantined' as const, reason: REASON }
          : { ...common, outcome: 'uploaded' as const };
      });
      await new ReceiptWriter(this.disk, ROOT).write(name, {
        finishedMs: this.clock.wallMs(),
        lostRecords: segment.lostRecords,
        objects,
      });
    }
    await this.spool.reconcile();
  }

  /** Nine records in one segment of three objects, of which the store refused two. */
  static async refused(options: Partial<SpoolOptions> = {}): Promise<Scene> {
    const scene = new Scene(options);
    await scene.start();
    await Promise.all(Array.from({ length: 9 }, (_, number) => scene.spool.append(testRecord(number))));
    await scene.clock.advance(5000);
    await scene.upload(REFUSED);
    return scene;
  }

  async bringBack(): Promise<string[]> {
    const all: string[] = [];
    for (const { number } of await this.spool.quarantined()) all.push(...(await this.spool.requeue(number)));
    return all;
  }

  /** Ids of the records in the store, each as often as it lies there. */
  stored(): string[] {
    const objects = [...this.store].map(([key, bytes]) => ({ key, bytes }));
    return recordsIn(objects)
      .map(({ captureId }) => captureId)
      .sort();
  }

  checkSum(when: string): void {
    const { issued, delivered, drops, queuedRecords } = this.spool.stats();
    const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
    assert.equal(issued, delivered + dropped + queuedRecords, when);
    assert.ok(
      Object.values(drops).every((count) => count >= 0),
      when,
    );
  }
}

const ALL = Array.from({ length: 9 }, (_, number) => `capture-${number}`);

describe('captures that come back out of quarantine', () => {
  it('are listed with their reason, delivered once, and counted', async () => {
    const scene = await Scene.refused();
    assert.deepEqual(scene.spool.stats().drops, { quarantined: 6 });
    const [held] = await scene.spool.quarantined();
    assert.equal(held?.reason, REASON);
    assert.equal(held?.records, 6);
    assert.deepEqual([...(held?.captureIds ?? [])].sort(), ALL.slice(3));
    const told: [string, number][] = [];
    scene.spool.onState((state, ids) => told.push([state, ids.length]));
    assert.deepEqual((await scene.bringBack()).sort(), ALL.slice(3));
    assert.deepEqual(told, [['SPOOLED', 6]]);
    assert.equal(scene.spool.status('capture-3').state, 'SPOOLED');
    assert.equal(scene.spool.status('capture-0').state, 'UPLOADED');
    assert.equal((await scene.spool.append(testRecord(3))).outcome, 'dropped');
    const { drops, queuedRecords, acked } = scene.spool.stats();
    assert.deepEqual([drops, queuedRecords, acked], [{ duplicate: 1 }, 6, 9]);
    const before = scene.puts;
    await scene.upload();
    assert.equal(scene.puts - before, 2, 'only what was refused goes out again');
    assert.deepEqual(scene.stored(), ALL);
    for (let start = 0; start < 2; start++) {
      const { delivered, drops: left, issued } = scene.spool.stats();
      assert.deepEqual([delivered, left, issued], [9, { duplicate: 1 }, 10]);
      assert.equal(scene.spool.status('capture-3').state, 'UPLOADED');
      assert.deepEqual(await scene.spool.quarantined(), []);
      await scene.start();
    }
  });

  it('may be brought back twice, and refused again', async () => {
    const scene = await Scene.refused();
    const [held] = await scene.spool.quarantined();
    assert.equal((await scene.spool.requeue(held?.number ?? -1)).length, 6);
    assert.deepEqual(await scene.spool.requeue(held?.number ?? -1), []);
    await scene.upload(REFUSED.slice(0, 3));
    assert.deepEqual(scene.spool.stats().drops, { quarantined: 3 });
    await scene.start();
    assert.deepEqual(scene.spool.stats().drops, { quarantined: 3 });
    assert.deepEqual((await scene.bringBack()).sort(), ALL.slice(3, 6));
    await scene.upload();
    assert.deepEqual(scene.stored(), ALL);
    assert.equal(scene.spool.stats().delivered, 9);
    scene.checkSum('at the end');
  });

  it('are neither lost nor doubled wherever a kill or a power cut comes, and counted once', async () => {
    for (const power of [false, true]) {
      for (let at = 1; ; at++) {
        const scene = await Scene.refused();
        await scene.disk.syncFolder(spoolFolders(ROOT).closed);
        await scene.disk.syncFolder(spoolFolders(ROOT).quarantine);
        let operations = 0;
        scene.disk.fault = (operation) => {
          operations += 1;
          if (operations >= at) throw MemoryDisk.error('io', operation);
        };
        await scene.bringBack().catch(() => undefined);
        scene.disk.fault = undefined;
        const isOver = operations < at;
        if (power) scene.disk.cutPower();
        await scene.start();
        const when = `${power ? 'power cut' : 'killed'} at operation ${at}`;
        scene.checkSum(when);
        const { queuedRecords, drops } = scene.spool.stats();
        assert.equal(queuedRecords + (drops['quarantined'] ?? 0), 6, when);
        await scene.bringBack();
        await scene.upload();
        assert.deepEqual(scene.stored(), ALL, when);
        assert.equal(scene.spool.stats().delivered, 9, when);
        assert.deepEqual(await scene.spool.quarantined(), [], when);
        await scene.start();
        assert.deepEqual([scene.spool.stats().delivered, scene.spool.stats().drops], [9, {}], when);
        scene.checkSum(when);
        if (isOver) break;
      }
    }
  });

  it('count right at every moment', async () => {
    const scene = await Scene.refused();
    scene.disk.fault = (operation, path) => scene.checkSum(`${operation} ${path}`);
    await scene.bringBack();
    await scene.upload();
  });

  it('cost a start one look at each name, however many there are', async () => {
    const scene = await Scene.refused();
    const read: string[] = [];
    scene.disk.fault = (operation, path) => {
      if (operation === 'read' && path.includes('/quarantine/')) read.push(path);
    };
    await scene.start();
    assert.deepEqual(read, []);
    assert.deepEqual(scene.spool.stats().drops, { quarantined: 6 });
  });

  it('come back under a full disk only once there is room', async () => {
    const scene = await Scene.refused();
    scene.disk.capacityBytes = scene.disk.usedBytes();
    await assert.rejects(scene.bringBack(), { code: 'RESOURCE_EXHAUSTED' });
    assert.deepEqual(scene.spool.stats().drops, { quarantined: 6 });
    scene.disk.capacityBytes = Number.POSITIVE_INFINITY;
    assert.equal((await scene.bringBack()).length, 6);
    await scene.upload();
    assert.deepEqual(scene.stored(), ALL);
  });

  it('that the agent of 192c4d1 put there come back too: within a day exactly, later as a whole', async () => {
    for (const later of [false, true]) {
      const scene = await Scene.refused();
      // That agent wrote no fates.
      for (const path of scene.disk.files().keys()) if (path.endsWith('.fate')) await scene.disk.remove(path);
      if (later) {
        for (let number = 100; number < 170; number++) {
          await scene.spool.append(testRecord(number));
          await scene.clock.advance(5000);
        }
        await scene.upload();
        await scene.clock.advance(2 * DAY_MS);
        for (let number = 200; number < 270; number++) {
          await scene.spool.append(testRecord(number));
          await scene.clock.advance(5000);
        }
        await scene.upload();
        for (const path of scene.disk.files().keys())
          if (path.endsWith('.fate')) await scene.disk.remove(path);
      }
      await scene.start();
      const [held] = await scene.spool.quarantined();
      assert.deepEqual([held?.records, held?.reason], later ? [9, undefined] : [6, REASON]);
      assert.equal((await scene.bringBack()).length, later ? 9 : 6);
      await scene.upload();
      assert.deepEqual(
        scene.stored().filter((id) => ALL.includes(id)),
        ALL,
      );
    }
  });

  it('count under their own reason where the quarantine is full, and damage goes before them', async () => {
    const scene = new Scene({ quarantineBytes: 9000, segmentBytes: 3000 });
    await scene.start();
    const count = 60;
    for (let number = 0; number < count; number++) {
      await scene.spool.append(testRecord(number));
      if (number % 5 === 4) await scene.clock.advance(5000);
    }
    scene.disk.put('/spool/quarantine/0000000000-damage', new Uint8Array(5000));
    await scene.start();
    await scene.upload(Array.from({ length: count }, (_, number) => number));
    for (let start = 0; start < 2; start++) {
      const { drops } = scene.spool.stats();
      const { quarantined = 0, 'quarantine-full': gone = 0 } = drops;
      assert.ok(quarantined > 0 && gone > 0, JSON.stringify(drops));
      assert.equal(quarantined + gone, count);
      scene.checkSum(`start ${start}`);
      assert.ok(!scene.disk.files().has('/spool/quarantine/0000000000-damage'));
      await scene.start();
    }
    const back = await scene.bringBack();
    await scene.upload();
    assert.deepEqual(scene.stored(), back.sort());
    const { drops, delivered } = scene.spool.stats();
    assert.deepEqual([drops, delivered], [{ 'quarantine-full': count - back.length }, back.length]);
  });
});
