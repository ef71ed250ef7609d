import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../examples/floors/mod.js';
import type { CaptureRecord } from '../../src/capture/mod.js';
import { bytesOf, testRecord } from '../lib/spool-fixture.js';
import { openDiskSpool } from '../lib/spools.js';
import { speechInputs } from './agent/inputs.js';
import { atLeast, atMost, interleaved, type BenchRow } from './figure.js';

export const captureCost: BenchRow = {
  name: 'capture-cost',
  about: 'what capturing each of its requests costs an app that predicts, beside the same app without',
  async run(bench) {
    const rig = await bench.rig();
    await rig.install('SileroVad');
    const app = await rig.startApp();
    const inputs = speechInputs();
    const ask = async (capture: 'always' | 'never'): Promise<readonly number[]> =>
      (await app.ask({ kind: 'predict', model: 'SileroVad', inputs, count: 150, capture })).samplesMs;
    const samples = await interleaved(9, { never: () => ask('never'), always: () => ask('always') });
    await app.close();
    const neverMs = median(samples['never'] ?? []);
    const alwaysMs = median(samples['always'] ?? []);
    const costUs = (alwaysMs - neverMs) * 1000;
    const percent = (100 * (alwaysMs - neverMs)) / neverMs;
    const detail = { neverMs, alwaysMs, costUs, percent };
    // The goal is either; the other one stands beside it.
    return [
      percent <= 5
        ? atMost(5, { figure: 'capture of every request, predict p50', value: percent, unit: '%', detail })
        : atMost(50, { figure: 'capture of every request, predict p50', value: costUs, unit: 'us', detail }),
    ];
  },
};

const RECORD_BYTES = 4096;
/** As many as an app's hosts have on their way at once. */
const AT_ONCE = 16;
const RECORDS = 4000;

export const durableCapture: BenchRow = {
  name: 'durable-capture',
  about:
    'records of 4 KiB that the spool acknowledges as durable, beside bare writes with one fdatasync a group',
  async run(bench) {
    const folder = await mkdtemp(join(tmpdir(), 'edge-bench-capture-'));
    bench.onEnd(() => rm(folder, { recursive: true, force: true }));
    let round = 0;
    const perSecond = await interleaved(3, {
      bare: async () => [await bareWrites(join(folder, `bare-${round++}`))],
      spool: async () => [await spoolAppends(join(folder, `spool-${round++}`))],
    });
    const bare = median(perSecond['bare'] ?? []);
    const spool = median(perSecond['spool'] ?? []);
    const detail = { bareRecordsPerSecond: bare, ratioToBare: spool / bare, atOnce: AT_ONCE };
    return [
      atLeast(2000, { figure: 'durable capture, 4 KiB', value: spool, unit: 'records/s', detail, digits: 0 }),
    ];
  },
};

/** Groups of {@link AT_ONCE} records: one write and one fdatasync each, nothing else. */
async function bareWrites(path: string): Promise<number> {
  const group = Buffer.from(bytesOf(1, RECORD_BYTES * AT_ONCE));
  const file = await open(path, 'wx');
  const begunMs = performance.now();
  for (let written = 0; written < RECORDS; written += AT_ONCE) {
    await file.write(group);
    await file.datasync();
  }
  const seconds = (performance.now() - begunMs) / 1000;
  await file.close();
  return RECORDS / seconds;
}

/** Callers that each append their next record when the last is acknowledged. */
async function spoolAppends(root: string): Promise<number> {
  await using spool = await openDiskSpool(root);
  const input = {
    name: 'input',
    datatype: 'UINT8' as const,
    shape: [RECORD_BYTES],
    data: bytesOf(1, RECORD_BYTES),
  };
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < RECORDS) {
      const record: CaptureRecord = testRecord(next++, { inputs: [input] });
      const { outcome } = await spool.append(record);
      if (outcome !== 'spooled') throw new Error(`Cannot measure as a record was ${outcome}`);
    }
  };
  const begunMs = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return RECORDS / ((performance.now() - begunMs) / 1000);
}
