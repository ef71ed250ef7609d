import type { Tensor } from '../../../src/contract/mod.js';
import { median } from '../../../examples/floors/mod.js';
import { atMost, interleaved, type BenchRow, type Figure } from '../figure.js';
import { imageInputs, speechInputs } from './inputs.js';
import type { RigModel } from './rig.js';

const ROUNDS = 7;
/** A predict request with a Silero window inline, as bytes on the wire. */
const SMALL_REQUEST_BYTES = 4700;

interface Medians {
  readonly predictMs: number;
  readonly echoMs: number;
  readonly bareMs: number;
}

interface PredictRow {
  readonly name: string;
  readonly about: string;
  readonly model: RigModel;
  readonly inputs: () => Tensor[];
  readonly echoBytes: number;
  readonly echoes: number;
  readonly runs: number;
  readonly judge: (medians: Medians) => Figure;
}

/** One predict after the other, beside the same number of echoes and bare runs. */
function predictRow({ name, about, model, inputs, echoBytes, echoes, runs, judge }: PredictRow): BenchRow {
  return {
    name,
    about,
    run: async (bench) => {
      const rig = await bench.rig();
      const { modelFile } = await rig.install(model);
      const [app, echo, bare] = await Promise.all([
        rig.startApp(),
        rig.startEcho(),
        rig.startBare(modelFile),
      ]);
      const tensors = inputs();
      const samples = await interleaved(ROUNDS, {
        echo: () => echo.measure({ count: echoes, bytes: echoBytes }),
        bare: async () => (await bare.ask({ inputs: tensors, count: runs })).samplesMs,
        predict: async () =>
          (await app.ask({ kind: 'predict', model, inputs: tensors, count: runs, capture: 'never' }))
            .samplesMs,
      });
      await Promise.all([app.close(), echo.close(), bare.close()]);
      return [
        judge({
          predictMs: median(samples['predict'] ?? []),
          echoMs: median(samples['echo'] ?? []),
          bareMs: median(samples['bare'] ?? []),
        }),
      ];
    },
  };
}

export const predictSmall = predictRow({
  name: 'predict-small',
  about: 'predict over IPC with a Silero VAD window, beside an IPC echo of the same size and a bare run',
  model: 'SileroVad',
  inputs: speechInputs,
  echoBytes: SMALL_REQUEST_BYTES,
  echoes: 100,
  runs: 100,
  judge: (medians) =>
    atMost(1.3, {
      figure: 'predict, small tensor, p50 / (echo + bare run)',
      value: medians.predictMs / (medians.echoMs + medians.bareMs),
      unit: 'x',
      detail: { ...medians },
    }),
});

export const predictLarge = predictRow({
  name: 'predict-large',
  about:
    'predict over IPC with 602 kB by file (PaddleOCR detection), beside an IPC echo of 100 B and a bare run',
  model: 'PaddleOcrDet',
  inputs: imageInputs,
  echoBytes: 100,
  echoes: 60,
  runs: 20,
  judge: (medians) =>
    atMost(1, {
      figure: 'predict, 602 kB by file, p50 over echo + bare run',
      value: medians.predictMs - medians.echoMs - medians.bareMs,
      unit: 'ms',
      detail: { ...medians },
    }),
});
