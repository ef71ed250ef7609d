import { quantile } from '../../../examples/floors/mod.js';
import { tensor } from '../../../src/client/tensors.js';
import type { Tensor } from '../../../src/contract/mod.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { loopPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';
import { alternate, atLeast, atMost, paired } from '../judge/mod.js';
import type { Bench, BenchRow } from '../row.js';
import { speechInputs } from './inputs.js';
import { isAlive } from './processes.js';
import type { App, Rig } from './rig.js';

const LOOP = 'Loop';
const DEADLINE_MS = 200;
const HANGS = 100;
/** Turns of 150 requests, three seconds each. */
const ROUNDS = 5;
const SAMPLES = 150;

/** So many turns of an idle loop: 1 is done at once, a billion hang. */
function turns(trips: bigint): Tensor[] {
  return [
    tensor('x', 'FP32', [1], Float32Array.of(1)),
    tensor('trips', 'INT64', [], BigInt64Array.of(trips)),
  ];
}

export async function loadLoop(bench: Bench, rig: Rig): Promise<void> {
  if ((await rig.admin.listModels()).some(({ name }) => name === LOOP)) return;
  const folder = await bench.folder('loop');
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
    const hangs = bench.share(HANGS, 2);
    for (let index = 0; index < hangs; index++) {
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
      atLeast(hangs, {
        figure: `replies within 300 ms of ${hangs} hanging requests with a deadline of ${DEADLINE_MS} ms`,
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
  about:
    "a model's p99 at 50 requests a second while another model hangs again and again, in turn with the same without",
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
    const count = bench.share(SAMPLES, 10);
    await ask(count);
    const rounds = await alternate(bench.share(ROUNDS, 2), {
      before: () => ask(count),
      during: async () => {
        let over = false;
        const hangs = (async (): Promise<void> => {
          while (!over) await hang(hanging);
        })();
        const during = await ask(count);
        over = true;
        await hangs;
        return during;
      },
    });
    await Promise.all([steady.close(), hanging.close()]);
    return [
      paired(
        { atMost: 2 },
        {
          figure: "other model's p99 while one hangs / without",
          unit: 'x',
          rounds,
          statistic: (samples) => quantile(samples, 0.99),
          floors: ['before'],
          of: (round) => round.during / round.before,
        },
      ),
    ];
  },
};

/** One request of a host that was started anew, cut off after a second. */
export async function hang(app: App): Promise<void> {
  await ready(app);
  await app.ask({ kind: 'predict', model: LOOP, inputs: turns(1_000_000_000n), count: 1, timeoutMs: 1000 });
}
