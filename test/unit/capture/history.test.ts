import assert from 'node:assert/strict';
import type { CaptureSpool } from '../../../src/capture/mod.js';
import { ManualClock } from '../../../src/core/mod.js';
import { MemoryDisk } from '../../../src/disk/mod.js';
import { deliverAll } from '../../lib/oracle.js';
import { testRecord } from '../../lib/spool-fixture.js';
import { openMemorySpool } from '../../lib/spools.js';

const ROOT = '/spool';
const RECORDS = 100;

function open(disk: MemoryDisk, seed: number): Promise<CaptureSpool> {
  // Each record has a segment of its own, and so a receipt of its own.
  return openMemorySpool(disk, new ManualClock(), seed, { segmentBytes: 1 });
}

describe('the history of the spool', () => {
  for (const removedBefore of [0, 1, 5, 30, 60, 99]) {
    it(`is whole where the agent died after removing ${removedBefore} of the receipts that it holds`, async () => {
      const disk = new MemoryDisk();
      const spool = await open(disk, 1);
      for (let number = 0; number < RECORDS; number++) await spool.append(testRecord(number));
      await spool.close();
      await deliverAll(disk, ROOT);
      let removed = 0;
      disk.fault = (operation, path) => {
        if (operation !== 'remove' || !path.endsWith('.receipt')) return;
        if (removed++ >= removedBefore) throw MemoryDisk.error('io', operation);
      };
      await spool.reconcile();
      disk.fault = undefined;
      // One start takes in what was left; the next knows of all.
      await (await open(disk, 2)).close();
      const again = await open(disk, 3);
      const forgotten = Array.from({ length: RECORDS }, (_, number) => `capture-${number}`).filter(
        (id) => again.status(id).state !== 'UPLOADED',
      );
      assert.deepEqual(forgotten, []);
      await again.close();
    });
  }
});
