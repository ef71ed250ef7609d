import assert from 'node:assert/strict';
import { SeededRandom, silentLogger } from '../../../src/core/mod.js';
import { MemoryObjectStore, Uploader, type MemorySegmentSource } from '../../../src/upload/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { HeapClock } from '../../lib/heap-clock.js';
import { memorySpool } from '../../lib/upload.js';

const AGENTS = 1000;
const SEGMENTS = 5;
const BIN_MS = 1000;

/** Runs a fleet whose store comes up at `upAtMs`; the times of all requests from then on, until all is delivered. */
async function runFleet(upAtMs: number, seed: number): Promise<number[]> {
  const clock = new HeapClock();
  const times: number[] = [];
  const fleet = Array.from({ length: AGENTS }, (_, index): [Uploader, MemorySegmentSource] => {
    const source = memorySpool(SEGMENTS);
    const store = new MemoryObjectStore({
      onPut: () => {
        if (clock.monotonicMs() >= upAtMs) times.push(clock.monotonicMs());
      },
      faults: () =>
        clock.monotonicMs() < upAtMs ? { kind: 'fail', facts: { code: 'ECONNREFUSED' } } : undefined,
    });
    const random = new SeededRandom(seed * AGENTS + index);
    const uploader = new Uploader({
      source,
      store,
      clock,
      random,
      logger: silentLogger,
      scanPeriodMs: 3_600_000,
    });
    uploader.start();
    return [uploader, source];
  });
  const done = (): boolean => fleet.every(([, source]) => source.receipts.size === SEGMENTS);
  for (let guard = 0; !done(); guard++) {
    assert.ok(guard < upAtMs / 1000 + 4000, 'the fleet delivers within 4000 s');
    await clock.advance(1000);
  }
  await Promise.all(
    fleet.map(async ([uploader]) => {
      await uploader.close();
    }),
  );
  return times;
}

/** Requests per second: the highest bin against the mean over the time in which nine tenths of them fall. */
function shape(times: readonly number[]): { peakToMean: number; highestShare: number } {
  const bins = new Map<number, number>();
  for (const time of times)
    bins.set(Math.floor(time / BIN_MS), (bins.get(Math.floor(time / BIN_MS)) ?? 0) + 1);
  const sorted = [...times].sort((a, b) => a - b);
  const spanMs =
    (sorted[Math.floor(sorted.length * 0.95)] ?? 0) - (sorted[Math.floor(sorted.length * 0.05)] ?? 0);
  const mean = (times.length * 0.9 * BIN_MS) / spanMs;
  const peak = Math.max(...bins.values());
  return { peakToMean: peak / mean, highestShare: peak / times.length };
}

describe('R16: a thousand devices that return together', () => {
  for (const [name, upAtMs] of [
    ['after a power cut, with the store up', 0],
    ['after ten minutes without the store', 600_000],
    ...(longRun() ? ([['after two hours without the store', 7_200_000]] as const) : []),
  ] as const) {
    it(`spreads their requests ${name}`, async () => {
      const times = await runFleet(upAtMs, 5);
      const { peakToMean, highestShare } = shape(times);
      const note = `${name}: peak/mean=${peakToMean.toFixed(2)} highest second=${(100 * highestShare).toFixed(2)}%`;
      reportFaultRow({ row: 'R16', cycles: AGENTS, lost: 0, duplicated: 0, corrupt: 0, note });
      assert.ok(peakToMean <= 3, note);
      assert.ok(highestShare <= 0.05, note);
    });
  }
});
