import { alternate, paired } from '../judge/mod.js';
import type { Bench, BenchRow } from '../row.js';
import type { BareAnswer, BareQuestion, FloorProcess } from '../../../examples/floors/mod.js';
import { imageInputs, textLineInputs } from './inputs.js';
import type { App, Rig, RigModel } from './rig.js';

const ROUNDS = 10;
const CLIENTS = 4;
/** Of a round. */
const RUNS = 48;
/** Of each of two models in a round. */
const ALONE_MS = 1000;
const TWO_MODELS_ROUNDS = 6;
/** A request by file, as bytes on the wire. */
const REQUEST_BYTES = 700;

export const throughput: BenchRow = {
  name: 'throughput',
  about:
    'a 12 ms model with 4 clients, beside bare runs in as many processes and threads with an IPC echo at the same rate',
  run: async (bench) => {
    const rig = await bench.rig();
    const { modelFile } = await rig.install('PaddleOcrDet');
    const apps = await Promise.all(Array.from({ length: CLIENTS }, () => rig.startApp()));
    const [echo, bare] = await Promise.all([rig.startEcho(), rig.startBare(modelFile)]);
    const inputs = imageInputs();
    const serve = async (): Promise<number> => {
      const begunMs = performance.now();
      const count = bench.share(RUNS / CLIENTS);
      await Promise.all(
        apps.map((app) =>
          app.ask({ kind: 'predict', model: 'PaddleOcrDet', inputs, count, capture: 'never' }),
        ),
      );
      return (count * CLIENTS * 1000) / (performance.now() - begunMs);
    };
    const floor = async (perSecond: number): Promise<number> => {
      const count = bench.share(RUNS);
      const echoing = echo.measure({ count, bytes: REQUEST_BYTES, intervalMs: 1000 / perSecond });
      const { elapsedMs } = await bare.ask({ inputs, count });
      await echoing;
      return (count * 1000) / elapsedMs;
    };
    let perSecond = await serve();
    const rounds = await alternate(bench.share(ROUNDS, 2), {
      served: async () => [(perSecond = await serve())],
      bare: async () => [await floor(perSecond)],
    });
    await Promise.all([...apps, echo, bare].map((floorProcess) => floorProcess.close()));
    return [
      paired(
        { atLeast: 0.95 },
        {
          figure: 'throughput of a 12 ms model, 4 clients / bare runs',
          unit: 'x',
          rounds,
          floors: ['bare'],
          of: (round) => round.served / round.bare,
        },
      ),
    ];
  },
};

/** One model's part of the work, and who can do it. */
interface Share {
  readonly model: RigModel;
  readonly inputs: ReturnType<typeof imageInputs>;
  readonly count: number;
  readonly app: App;
  readonly single: FloorProcess<BareQuestion, BareAnswer>;
  readonly threaded: FloorProcess<BareQuestion, BareAnswer>;
}

/** As many runs of the model as take about a second alone. */
async function shareOf(bench: Bench, rig: Rig, model: RigModel, inputs: Share['inputs']): Promise<Share> {
  const { modelFile } = await rig.install(model);
  const app = await rig.startApp();
  const [single, threaded] = await Promise.all([rig.startBare(modelFile, 1), rig.startBare(modelFile, 2)]);
  const tried = bench.share(30);
  const { elapsedMs } = await single.ask({ inputs, count: tried });
  const count = bench.share((tried * ALONE_MS) / elapsedMs, 2);
  return { model, inputs, count, app, single, threaded };
}

async function elapsed(act: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await act();
  return performance.now() - begunMs;
}

export const twoModels: BenchRow = {
  name: 'two-models',
  about:
    'two models at once on all cores, beside the better of two bare ways (a process each with one thread; one after the other with all threads) with an IPC echo at the same rate',
  run: async (bench) => {
    const rig = await bench.rig();
    const shares = [
      await shareOf(bench, rig, 'PaddleOcrDet', imageInputs()),
      await shareOf(bench, rig, 'PaddleOcrRec', textLineInputs()),
    ];
    const echo = await rig.startEcho();
    const runs = shares.reduce((sum, { count }) => sum + count, 0);
    const withEcho = async (intervalMs: number, act: () => Promise<unknown>): Promise<number> => {
      const echoing = echo.measure({ count: runs, bytes: REQUEST_BYTES, intervalMs });
      const elapsedMs = await elapsed(act);
      await echoing;
      return elapsedMs;
    };
    let oursMs = 2 * ALONE_MS;
    const rounds = await alternate(bench.share(TWO_MODELS_ROUNDS, 2), {
      ours: async () => [
        (oursMs = await elapsed(() =>
          Promise.all(
            shares.map(({ app, model, inputs, count }) =>
              app.ask({ kind: 'predict', model, inputs, count, capture: 'never', concurrency: 2 }),
            ),
          ),
        )),
      ],
      sideBySide: async () => [
        await withEcho(oursMs / runs, () =>
          Promise.all(shares.map(({ single, inputs, count }) => single.ask({ inputs, count }))),
        ),
      ],
      inTurn: async () => [
        await withEcho(oursMs / runs, async () => {
          for (const { threaded, inputs, count } of shares) await threaded.ask({ inputs, count });
        }),
      ],
    });
    await echo.close();
    for (const { app, single, threaded } of shares) {
      await Promise.all([app.close(), single.close(), threaded.close()]);
    }
    return [
      paired(
        { atLeast: 0.9 },
        {
          figure: 'two models at once / best bare configuration',
          unit: 'x',
          rounds,
          floors: ['sideBySide', 'inTurn'],
          of: (round) => Math.min(round.sideBySide, round.inTurn) / round.ours,
          detail: { runs },
        },
      ),
    ];
  },
};
