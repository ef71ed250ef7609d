import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, SeededRandom } from '../../../src/core/mod.js';
import { nodeDisk, type Disk } from '../../../src/disk/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { longRun, reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { LoopDisk, mountMissing } from '../../lib/mounts.js';
import { CLEAN, deliverAll, judge, type Verdict } from '../../lib/oracle.js';
import { openFaultSpool, recordOf, recordOfId } from './fault-spool.js';

const withoutFileSync: Disk = {
  ...nodeDisk,
  create: async (path) => {
    const file = await nodeDisk.create(path);
    return {
      append: async (bytes) => await file.append(bytes),
      sync: async () => undefined,
      truncate: async (size) => await file.truncate(size),
      close: async () => await file.close(),
    };
  },
};
const withoutFolderSync: Disk = { ...nodeDisk, syncFolder: async () => undefined };

describe('faults: the power is cut under the spool', () => {
  let folder = '';
  let disk: LoopDisk | undefined;

  before(function () {
    const missing = mountMissing('mkfs.ext4', 'mount', 'perl');
    if (missing !== undefined) {
      skipFaultRow('R2', missing);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'edge-manager-power-'));
    try {
      disk = new LoopDisk(folder, 48);
      disk.mount();
      disk.unmount();
    } catch (error) {
      skipFaultRow('R2', messageOf(error));
      this.skip();
    }
  });
  afterEach(() => disk?.unmountIfMounted());
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  it('R2: nothing that was acknowledged is lost', async () => {
    assert.ok(disk !== undefined);
    const cycles = longRun() ? 1000 : 100;
    const random = new SeededRandom(2);
    const total: Verdict = { lost: [], duplicated: [], corrupt: [] };
    let acked = 0;
    for (let cycle = 0; cycle < cycles; cycle++) {
      const result = await cutCycle(disk, cycle, 20 + random.fraction() * 80, nodeDisk);
      acked += result.acked;
      for (const kind of ['lost', 'duplicated', 'corrupt'] as const)
        total[kind].push(...result.verdict[kind]);
    }
    report('R2', cycles, total, `ext4 acked=${acked}`);
    assert.deepEqual(total, CLEAN);
    assert.ok(acked > cycles * 5, `only ${acked} records were acknowledged`);
  });

  it('R2: a spool without the sync of its file is caught within ten cycles', async () => {
    await caught('the sync of the file', async (cycle) => {
      assert.ok(disk !== undefined);
      return (await cutCycle(disk, 10_000 + cycle, 30, withoutFileSync)).verdict.lost.length;
    });
  });

  it('R2: a receipt survives, so that nothing is delivered again', async () => {
    assert.ok(disk !== undefined);
    let duplicated = 0;
    for (let cycle = 1; cycle <= 10; cycle++)
      duplicated += await receiptCycle(disk, 11_000 + cycle, nodeDisk);
    report(
      'R2',
      10,
      { lost: [], duplicated: Array.from({ length: duplicated }, String), corrupt: [] },
      'receipts',
    );
    assert.equal(duplicated, 0);
  });

  it('R2: a receipt without the sync of its folder is caught within ten cycles', async () => {
    await caught('the sync of the folder', async (cycle) => {
      assert.ok(disk !== undefined);
      return await receiptCycle(disk, 12_000 + cycle, withoutFolderSync);
    });
  });

  it('R2: a receipt that is renamed before its sync is caught within ten cycles', async () => {
    await caught('the sync before the rename', async (cycle) => {
      assert.ok(disk !== undefined);
      return await receiptCycle(disk, 13_000 + cycle, withoutFileSync);
    });
  });
});

/** A mutant must show within ten power cuts, or the cuts prove nothing. */
async function caught(missing: string, violations: (cycle: number) => Promise<number>): Promise<void> {
  for (let cycle = 1; cycle <= 10; cycle++) {
    if ((await violations(cycle)) === 0) continue;
    console.log(`R2 mutant without ${missing}: caught in cycle ${cycle}`);
    return;
  }
  assert.fail(`the mutant without ${missing} broke no promise: the power cuts prove nothing`);
}

/** Delivers with receipts through `mutant`, cuts the power, and counts what is delivered again. */
async function receiptCycle(disk: LoopDisk, cycle: number, mutant: Disk): Promise<number> {
  const root = join(disk.mountPoint, 'spool');
  disk.mount();
  const spool = await openFaultSpool(root);
  await Promise.all([0, 1, 2].map((step) => spool.append(recordOf(cycle * 10_000 + step))));
  await spool.close();
  await deliverAll(mutant, root);
  disk.cutPower();
  disk.unmount();
  disk.mount();
  const again = await openFaultSpool(root);
  await again.close();
  const twice = await deliverAll(nodeDisk, root);
  await again.reconcile();
  disk.unmount();
  return twice.length;
}

async function cutCycle(
  disk: LoopDisk,
  cycle: number,
  loadMs: number,
  mutant: Disk,
): Promise<{ verdict: Verdict; acked: number }> {
  const root = join(disk.mountPoint, 'spool');
  disk.mount();
  const acked: string[] = [];
  // Errors are evicted by choice elsewhere; here everything must arrive.
  const quotas = { error: { bytes: 8_000_000, policy: 'refuse' as const } };
  const spool = await openFaultSpool(root, { disk: mutant, quotas });
  let isCut = false;
  const load = (async () => {
    for (let number = cycle * 10_000; !isCut; number += 4) {
      await Promise.all(
        [0, 1, 2, 3].map(async (step) => {
          const record = recordOf(number + step);
          const { outcome } = await spool.append(record);
          if (outcome === 'spooled' && !isCut) acked.push(record.captureId);
        }),
      );
      await systemClock.sleep(1);
    }
  })();
  await systemClock.sleep(loadMs);
  disk.cutPower();
  isCut = true;
  await load;
  await spool.close();
  disk.unmount();
  disk.mount();
  const again = await openFaultSpool(root, { quotas });
  const fresh = recordOf(cycle * 10_000 + 9_999);
  const outcome = await again.append(fresh);
  assert.equal(outcome.outcome, 'spooled', 'a fresh record gets through after the cut');
  await again.close();
  const delivered = await deliverAll(nodeDisk, root);
  await again.reconcile();
  const verdict = judge({ issued: recordOfId, acked: [...acked, fresh.captureId], delivered });
  disk.unmount();
  return { verdict, acked: acked.length };
}

function report(row: string, cycles: number, verdict: Verdict, note: string): void {
  const { lost, duplicated, corrupt } = verdict;
  reportFaultRow({
    row,
    cycles,
    lost: lost.length,
    duplicated: duplicated.length,
    corrupt: corrupt.length,
    note,
  });
}
