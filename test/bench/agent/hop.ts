import { median, paced } from '../../../examples/floors/mod.js';
import type { HostedModel } from '../../../src/runtime/host/port/mod.js';
import { startRawPipe } from '../floors/mod.js';
import { alternate, each, paired } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { speechInputs } from './inputs.js';
import { hostsOf, specOf } from './shipped-hosts.js';

const ROUNDS = 30;
const SAMPLES = 20;
const PAUSE_MS = 3;
/** A Silero window with its state, and what the model answers, as raw bytes. */
const SIZES = { askBytes: 3336, answerBytes: 1028 };

export const hop: BenchRow = {
  name: 'hop',
  about:
    'a run by a model host without the time that the host says it ran, both asleep for 3 ms before, beside bytes of that size over raw pipes to a child that computes as long',
  run: async (bench) => {
    const rig = await bench.rig();
    const folder = await bench.folder('hop');
    const hosts = hostsOf(bench, folder, 'model');
    const model = await hosts.load(specOf(await rig.install('SileroVad')));
    const pipe = startRawPipe(bench);
    const ours = hopOf(model);
    const workMs = median((await ours(bench.share(SAMPLES))).map(({ runMs }) => runMs));
    const rounds = await alternate(bench.share(ROUNDS, 2), {
      pipe: async () =>
        (await pipe.measure({ ...SIZES, workMs, count: bench.share(SAMPLES), pauseMs: PAUSE_MS })).map(
          (ms) => ({ ms, runMs: workMs }),
        ),
      hop: () => ours(bench.share(SAMPLES)),
    });
    await Promise.all([hosts.close(), pipe.close()]);
    return [
      paired(
        { atMost: 1.3 },
        {
          figure: 'hop to a host and back that slept 3 ms, p50 / raw pipe',
          unit: 'x',
          rounds: each(rounds, ({ ms, runMs }) => ms - runMs),
          floors: ['pipe'],
          of: (round) => round.hop / round.pipe,
          detail: { runMs: workMs },
        },
      ),
    ];
  },
};

/** So many runs with a pause before each: how long each took, and how long the host says that it ran. */
function hopOf(model: HostedModel): (count: number) => Promise<{ ms: number; runMs: number }[]> {
  const inputs = speechInputs();
  return async (count) => {
    const runsMs: number[] = [];
    const samples = await paced({ count, pauseMs: PAUSE_MS }, async () => {
      const capture = { mode: 'never', captureId: 'bench', clockSynchronised: true } as const;
      runsMs.push((await model.run({ inputs, capture }, 10_000)).runMs);
    });
    return samples.map((ms, index) => ({ ms, runMs: runsMs[index] ?? 0 }));
  };
}
