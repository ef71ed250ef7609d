import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaptureRecord } from '../../src/capture/mod.js';
import { bytesOf, testRecord } from '../lib/spool-fixture.js';
import { openDiskSpool } from '../lib/spools.js';
import { speechInputs } from './agent/inputs.js';
import { alternate, paired } from './judge/mod.js';
import type { BenchRow } from './row.js';

const ROUNDS = 30;
const SAMPLES = 40;

export const captureCost: BenchRow = {
  name: 'capture-cost',
  about: 'what capturing each of its requests costs an app that predicts, beside the same app without',
  async run(bench) {
    const rig = await bench.rig();
    await rig.install('SileroVad');
    const app = await rig.startApp();
    const inputs = speechInputs();
    const ask = (capture: 'always' | 'never') => async (): Promise<readonly number[]> => {
      const count = bench.share(SAMPLES);
      return (await app.ask({ kind: 'predict', model: 'SileroVad', inputs, count, capture })).samplesMs;
    };
    const rounds = await alternate(bench.share(ROUNDS, 2), { never: ask('never'), always: ask('always') });
    await app.close();
    const asked = { rounds, floors: ['never'] as const };
    const share = paired(
      { atMost: 5 },
      {
        ...asked,
        figure: 'capture of every request, predict p50 over without',
        unit: '%',
        of: (round) => (100 * (round.always - round.never)) / round.never,
      },
    );
    const costUs = paired(
      { atMost: 50 },
      {
        ...asked,
        figure: 'capture of every request, predict p50 over without',
        unit: 'us',
        digits: 0,
        of: (round) => 1000 * (round.always - round.never),
      },
    );
    // The goal is either.
    return [share.value > 5 && costUs.value <= 50 ? costUs : share];
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
    const folder = await bench.folder('capture');
    let round = 0;
    const records = bench.share(RECORDS, AT_ONCE);
    const rounds = await alternate(bench.share(5, 2), {
      bare: async () => [await bareWrites(join(folder, `bare-${round++}`), records)],
      spool: async () => [await spoolAppends(join(folder, `spool-${round++}`), records)],
    });
    return [
      paired(
        { atLeast: 2000 },
        {
          figure: 'durable capture, 4 KiB',
          unit: 'records/s',
          rounds,
          // The goal holds on any disk: the bare writes stand beside it only.
          floors: [],
          of: ({ spool }) => spool,
          detail: { atOnce: AT_ONCE },
          digits: 0,
        },
      ),
    ];
  },
};

/** Groups of {@link AT_ONCE} records: one write and one fdatasync each, nothing else. */
async function bareWrites(path: string, records: number): Promise<number> {
  const group = Buffer.from(bytesOf(1, RECORD_BYTES * AT_ONCE));
  const file = await open(path, 'wx');
  const begunMs = performance.now();
  for (let written = 0; written < records; written += AT_ONCE) {
    await file.write(group);
    await file.datasync();
  }
  const seconds = (performance.now() - begunMs) / 1000;
  await file.close();
  return records / seconds;
}

/** Callers that each append their next record when the last is acknowledged. */
async function spoolAppends(root: string, records: number): Promise<number> {
  await using spool = await openDiskSpool(root);
  const input = {
    name: 'input',
    datatype: 'UINT8' as const,
    shape: [RECORD_BYTES],
    data: bytesOf(1, RECORD_BYTES),
  };
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < records) {
      const record: CaptureRecord = testRecord(next++, { inputs: [input] });
      const { outcome } = await spool.append(record);
      if (outcome !== 'spooled') throw new Error(`Cannot measure as a record was ${outcome}`);
    }
  };
  const begunMs = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return records / ((performance.now() - begunMs) / 1000);
}
