import { openSpool, type CaptureSpool, type SpoolOptions } from '../../src/capture/mod.js';
import { silentLogger, SeededRandom, type ManualClock } from '../../src/core/mod.js';
import { nodeDisk, type MemoryDisk } from '../../src/disk/mod.js';
import { readBootIdentity, systemClock, systemRandom } from '../../src/system/mod.js';
import { TEST_LAYOUT } from './spool-fixture.js';

/** A spool on the real disk. */
export async function openDiskSpool(root: string, change: Partial<SpoolOptions> = {}): Promise<CaptureSpool> {
  return await openSpool({
    root,
    layout: TEST_LAYOUT,
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    boot: await readBootIdentity(),
    ...change,
  });
}

/** A spool at /spool in memory, repeatable by its seed. */
export async function openMemorySpool(
  disk: MemoryDisk,
  clock: ManualClock,
  seed: number,
  change: Partial<SpoolOptions> = {},
): Promise<CaptureSpool> {
  return await openSpool({
    root: '/spool',
    layout: TEST_LAYOUT,
    disk,
    clock,
    random: new SeededRandom(seed),
    log: silentLogger,
    boot: { bootId: 'boot', monotonicMs: () => clock.monotonicMs() },
    ...change,
  });
}
