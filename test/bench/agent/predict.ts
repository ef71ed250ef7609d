import type { Tensor } from '../../../src/contract/mod.js';
import { alternate, paired, type Figure, type Round } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { imageInputs, speechInputs } from './inputs.js';
import type { RigModel } from './rig.js';

/** Between two requests of an app that has a window every so often: all on the way have slept. */
const PAUSE_MS = 3;
/** A predict request with a Silero window inline, as bytes on the wire. */
const SMALL_REQUEST_BYTES = 4700;

type Parts = Round<'echo' | 'ownEcho' | 'bare' | 'predict'>;

interface PredictRow {
  readonly name: string;
  readonly about: string;
  readonly model: RigModel;
  readonly inputs: () => Tensor[];
  readonly echoBytes: number;
  readonly rounds: number;
  /** Requests of each part in a round. */
  readonly samples: number;
  readonly judge: (rounds: readonly Parts[]) => readonly Figure[];
}

/** Predicts with a pause before each, in turn with as many echoes and bare runs that have the same pauses. */
function predictRow({ name, about, model, inputs, echoBytes, rounds, samples, judge }: PredictRow): BenchRow {
  return {
    name,
    about,
    run: async (bench) => {
      const rig = await bench.rig();
      const { modelFile } = await rig.install(model);
      const [app, echo, ownEcho, bare] = await Promise.all([
        rig.startApp(),
        rig.startEcho(),
        rig.startEcho('own'),
        rig.startBare(modelFile),
      ]);
      const tensors = inputs();
      const pace = { count: bench.share(samples, 2), pauseMs: PAUSE_MS };
      const predict = { kind: 'predict', model, inputs: tensors, capture: 'never', ...pace } as const;
      await app.ask(predict);
      const measured = await alternate(bench.share(rounds, 2), {
        echo: () => echo.measure({ ...pace, bytes: echoBytes }),
        ownEcho: () => ownEcho.measure({ ...pace, bytes: echoBytes }),
        bare: async () => (await bare.ask({ ...pace, inputs: tensors })).samplesMs,
        predict: async () => (await app.ask(predict)).samplesMs,
      });
      await Promise.all([app.close(), echo.close(), ownEcho.close(), bare.close()]);
      return judge(measured);
    },
  };
}

export const predictSmall = predictRow({
  name: 'predict-small',
  about: `predict over IPC with a Silero VAD window every ${PAUSE_MS} ms, beside an IPC echo of the same size and a bare run with the same pauses`,
  model: 'SileroVad',
  inputs: speechInputs,
  echoBytes: SMALL_REQUEST_BYTES,
  rounds: 30,
  samples: 20,
  judge: (rounds) => {
    const figure = (echo: 'echo' | 'ownEcho', whose: string): Figure =>
      paired(
        { atMost: 1.35 },
        {
          figure: `predict over IPC, Silero window, p50 / (${whose} + bare run)`,
          unit: 'x',
          rounds,
          floors: [echo, 'bare'],
          of: (round) => round.predict / (round[echo] + round.bare),
        },
      );
    return [figure('echo', 'echo'), figure('ownEcho', 'echo by our own client')];
  },
});

export const predictLarge = predictRow({
  name: 'predict-large',
  about: `predict over IPC with 602 kB by file (PaddleOCR detection), ${PAUSE_MS} ms apart, beside an IPC echo of 100 B and a bare run with the same pauses`,
  model: 'PaddleOcrDet',
  inputs: imageInputs,
  echoBytes: 100,
  rounds: 20,
  samples: 10,
  judge: (rounds) => [
    paired(
      { atMost: 1 },
      {
        figure: 'predict over IPC, 602 kB by file, p50 over echo + bare run',
        unit: 'ms',
        rounds,
        floors: ['echo', 'bare'],
        of: (round) => round.predict - round.echo - round.bare,
      },
    ),
  ],
});
