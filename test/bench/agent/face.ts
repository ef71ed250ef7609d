import type { Tensor } from '../../../src/contract/mod.js';
import { startRawSocket } from '../floors/mod.js';
import type { RawSizes } from '../floors/raw-echo.js';
import { alternate, paired, skipped, type Figure, type Goal, type Summary } from '../judge/mod.js';
import { grpcAbsence, startGrpc } from '../peers/servers.js';
import type { BenchRow } from '../row.js';
import { imageInputs, speechInputs } from './inputs.js';
import type { RigModel } from './rig.js';

const PAUSE_MS = 3;

type Part = 'bare' | 'raw' | 'face';

interface FaceRow {
  readonly name: string;
  readonly about: string;
  readonly model: RigModel;
  readonly inputs: () => Tensor[];
  /** What travels over the socket, there and back. */
  readonly sizes: RawSizes;
  readonly rounds: number;
  readonly samples: number;
  readonly figure: string;
  readonly unit: string;
  readonly goal: Goal;
  readonly of: (round: Summary<Part>) => number;
  /** Held against a plain Python gRPC server: (face - bare) / (server - bare). */
  readonly ofServer: { readonly figure: string; readonly goal: Goal };
}

/** Predicts over the endpoint's framed face, in turn with its floors and with a Python gRPC server; IPC beside them. */
function faceRow(row: FaceRow): BenchRow {
  const { name, about, model, sizes } = row;
  return {
    name,
    about,
    run: async (bench) => {
      const rig = await bench.rig();
      const { modelFile } = await rig.install(model);
      const inputs = row.inputs();
      const [face, app, bare, raw] = await Promise.all([
        rig.startApp('face'),
        rig.startApp(),
        rig.startBare(modelFile),
        startRawSocket(bench),
      ]);
      const absence = grpcAbsence();
      const grpc = absence === undefined ? await startGrpc(bench, { modelFile, inputs }) : undefined;
      const pace = { count: bench.share(row.samples, 2), pauseMs: PAUSE_MS };
      const predict = { kind: 'predict', model, inputs, capture: 'never', ...pace } as const;
      const parts = {
        bare: async () => (await bare.ask({ ...pace, inputs })).samplesMs,
        raw: () => raw.measure({ ...pace, ...sizes }),
        ipc: async () => (await app.ask(predict)).samplesMs,
        face: async () => (await face.ask(predict)).samplesMs,
      };
      const server = async (): Promise<readonly number[]> =>
        (await grpc?.call({ ...pace, act: 'predict' }))?.samplesMs ?? [Number.NaN];
      await Promise.all([parts.face(), parts.ipc(), server()]);
      const rounds = await alternate(bench.share(row.rounds, 2), { ...parts, server });
      await Promise.all([face.close(), app.close(), bare.close(), raw.close(), grpc?.close()]);
      const { figure, unit, goal, of, ofServer } = row;
      const figures: Figure[] = [paired(goal, { figure, unit, rounds, floors: ['bare', 'raw'], of })];
      if (absence !== undefined) return [...figures, skipped(ofServer.figure, absence)];
      const against = paired(ofServer.goal, {
        figure: ofServer.figure,
        unit: 'x',
        rounds,
        floors: ['bare', 'server'],
        of: (round) => (round.face - round.bare) / (round.server - round.bare),
      });
      return [...figures, against];
    },
  };
}

export const faceSmall = faceRow({
  name: 'face-small',
  about: `predict over the endpoint's framed face with a Silero VAD window every ${PAUSE_MS} ms, beside a bare run, a raw unix socket echo of the same size and a plain Python gRPC server`,
  model: 'SileroVad',
  inputs: speechInputs,
  sizes: { askBytes: 3700, answerBytes: 1400 },
  rounds: 25,
  samples: 20,
  figure: 'framed face, Silero window, p50: (face - bare run) / raw echo',
  unit: 'x',
  goal: { atMost: 3 },
  of: (round) => (round.face - round.bare) / round.raw,
  ofServer: {
    figure: 'framed face, Silero window, p50: (face - bare run) / (Python gRPC server - bare run)',
    goal: { atMost: 0.4 },
  },
});

export const faceLarge = faceRow({
  name: 'face-large',
  about: `predict over the endpoint's framed face with 602 kB by shared memory (PaddleOCR detection), ${PAUSE_MS} ms apart, beside a bare run, a raw unix socket echo of what travels and a plain Python gRPC server`,
  model: 'PaddleOcrDet',
  inputs: imageInputs,
  sizes: { askBytes: 500, answerBytes: 500 },
  rounds: 15,
  samples: 8,
  figure: 'framed face, 602 kB by shared memory, p50 over bare run + 3 raw echoes',
  unit: 'ms',
  goal: { atMost: 0.5 },
  of: (round) => round.face - round.bare - 3 * round.raw,
  ofServer: {
    figure: 'framed face, 602 kB, p50: (face - bare run) / (Python gRPC server - bare run)',
    goal: { atMost: 1 },
  },
});
