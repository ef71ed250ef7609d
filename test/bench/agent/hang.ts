import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from '../../../examples/floors/mod.js';
import { tensor } from '../../../src/client/tensors.js';
import type { Tensor } from '../../../src/contract/mod.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { loopPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';
import { atLeast, atMost, type Bench, type BenchRow } from '../figure.js';
import { speechInputs } from './inputs.js';
import { isAlive } from './processes.js';
import type { App, Rig } from './rig.js';

const LOOP = 'Loop';
const DEADLINE_MS = 200;
const HANGS = 100;

/** So many turns of an idle loop: 1 is done at once, a billion hang. */
function turns(trips: bigint): Tensor[] {
  return [
    tensor('x', 'FP32', [1], Float32Array.of(1)),
    tensor('trips', 'INT64', [], BigInt64Array.of(trips)),
  ];
}

async function loadLoop(bench: Bench, rig: Rig): Promise<void> {
  if ((await rig.admin.listModels()).some(({ name }) => name === LOOP)) return;
  const folder = await mkdtemp(join(tmpdir(), 'edge-bench-loop-'));
  bench.onEnd(() => rm(folder, { recursive: true, force: true }));
  await rig.admin.load({ name: LOOP, path: await writeTestPackage(folder, loopPackage(LOOP)) });
}

/** The model answers again after its host was killed. */
async function ready(app: App): Promise<void> {
  await app.ask({ kind: 'predict', model: LOOP, inputs: turns(1n), count: 1, timeoutMs: 20_000 });
}

export const deadline: BenchRow = {
  name: 'deadline',
  about: `${HANGS} requests that hang, each with a deadline of ${DEADLINE_MS} ms: when the caller has its answer, and when the host is gone`,
  run: async (bench) => {
    const rig = await bench.rig();
    const before = new Set(rig.hosts());
    await loadLoop(bench, rig);
    const app = await rig.startApp();
    const answersMs: number[] = [];
    const goneMs: number[] = [];
    for (let index = 0; index < HANGS; index++) {
      await ready(app);
      const host = rig.hosts().find((pid) => !before.has(pid)) ?? 0;
      const begunMs = performance.now();
      const hanging = app.ask({
        kind: 'predict',
        model: LOOP,
        inputs: turns(1_000_000_000n),
        count: 1,
        timeoutMs: DEADLINE_MS,
      });
      await until(() => !isAlive(host), 'the hanging host is gone');
      goneMs.push(performance.now() - begunMs - DEADLINE_MS);
      answersMs.push(...((await hanging).failures['DEADLINE_EXCEEDED'] ?? []));
    }
    await app.close();
    return [
      atLeast(HANGS, {
        figure: `replies within 300 ms of ${HANGS} hanging requests with a deadline of ${DEADLINE_MS} ms`,
        value: answersMs.filter((ms) => ms <= 300).length,
        unit: 'replies',
        detail: { p50Ms: quantile(answersMs, 0.5), maxMs: Math.max(...answersMs) },
      }),
      atMost(50, {
        figure: 'hanging host gone after the deadline, p99',
        value: quantile(goneMs, 0.99),
        unit: 'ms',
        detail: { p50Ms: quantile(goneMs, 0.5), maxMs: Math.max(...goneMs) },
      }),
    ];
  },
};

export const isolation: BenchRow = {
  name: 'isolation',
  about: "a model's p99 at 50 requests a second while another model hangs again and again, beside before",
  run: async (bench) => {
    const rig = await bench.rig();
    await rig.install('SileroVad');
    await loadLoop(bench, rig);
    const [steady, hanging] = await Promise.all([rig.startApp(), rig.startApp()]);
    const ask = async (count: number): Promise<readonly number[]> =>
      (
        await steady.ask({
          kind: 'predict',
          model: 'SileroVad',
          inputs: speechInputs(),
          count,
          intervalMs: 20,
          concurrency: 4,
          capture: 'never',
        })
      ).samplesMs;
    await ask(100);
    const before = await ask(500);
    let over = false;
    const hangs = (async (): Promise<number> => {
      for (let count = 0; ; count++) {
        if (over) return count;
        await ready(hanging);
        await hanging.ask({
          kind: 'predict',
          model: LOOP,
          inputs: turns(1_000_000_000n),
          count: 1,
          timeoutMs: 1000,
        });
      }
    })();
    const during = await ask(500);
    over = true;
    const hung = await hangs;
    await Promise.all([steady.close(), hanging.close()]);
    return [
      atMost(2, {
        figure: "other model's p99 while one hangs / before",
        value: quantile(during, 0.99) / quantile(before, 0.99),
        unit: 'x',
        detail: {
          duringP99Ms: quantile(during, 0.99),
          beforeP99Ms: quantile(before, 0.99),
          duringP50Ms: quantile(during, 0.5),
          beforeP50Ms: quantile(before, 0.5),
          hangs: hung,
        },
      }),
    ];
  },
};
