import { atLeast, type BenchRow } from '../figure.js';
import {
  median,
  type BareAnswer,
  type BareQuestion,
  type FloorProcess,
} from '../../../examples/floors/mod.js';
import { imageInputs, textLineInputs } from './inputs.js';
import type { App, Rig, RigModel } from './rig.js';

const ROUNDS = 3;
const CLIENTS = 4;
const RUNS = 150;
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
      const count = Math.ceil(RUNS / CLIENTS);
      await Promise.all(
        apps.map((app) =>
          app.ask({ kind: 'predict', model: 'PaddleOcrDet', inputs, count, capture: 'never' }),
        ),
      );
      return (count * CLIENTS * 1000) / (performance.now() - begunMs);
    };
    const floor = async (perSecond: number): Promise<number> => {
      const echoing = echo.measure({ count: RUNS, bytes: REQUEST_BYTES, intervalMs: 1000 / perSecond });
      const { elapsedMs } = await bare.ask({ inputs, count: RUNS });
      await echoing;
      return (RUNS * 1000) / elapsedMs;
    };
    await serve();
    const [served, bareRuns]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      served.push(await serve());
      bareRuns.push(await floor(served.at(-1) ?? 50));
    }
    await Promise.all([...apps, echo, bare].map((floorProcess) => floorProcess.close()));
    const [perSecond, barePerSecond] = [median(served), median(bareRuns)];
    return [
      atLeast(0.95, {
        figure: 'throughput of a 12 ms model, 4 clients / bare runs',
        value: perSecond / barePerSecond,
        unit: 'x',
        detail: { perSecond, barePerSecond, bareRunMs: 1000 / barePerSecond },
      }),
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

/** As many runs of the model as take about two seconds alone. */
async function shareOf(rig: Rig, model: RigModel, inputs: Share['inputs']): Promise<Share> {
  const { modelFile } = await rig.install(model);
  const app = await rig.startApp();
  const [single, threaded] = await Promise.all([rig.startBare(modelFile, 1), rig.startBare(modelFile, 2)]);
  const { elapsedMs } = await single.ask({ inputs, count: 30 });
  return { model, inputs, count: Math.max(20, Math.round((30 * 2000) / elapsedMs)), app, single, threaded };
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
      await shareOf(rig, 'PaddleOcrDet', imageInputs()),
      await shareOf(rig, 'PaddleOcrRec', textLineInputs()),
    ];
    const echo = await rig.startEcho();
    const runs = shares.reduce((sum, { count }) => sum + count, 0);
    const withEcho = async (intervalMs: number, act: () => Promise<unknown>): Promise<number> => {
      const echoing = echo.measure({ count: runs, bytes: REQUEST_BYTES, intervalMs });
      const elapsedMs = await elapsed(act);
      await echoing;
      return elapsedMs;
    };
    const [ours, sideBySide, inTurn]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      const oursMs = await elapsed(() =>
        Promise.all(
          shares.map(({ app, model, inputs, count }) =>
            app.ask({ kind: 'predict', model, inputs, count, capture: 'never', concurrency: 2 }),
          ),
        ),
      );
      ours.push(oursMs);
      sideBySide.push(
        await withEcho(oursMs / runs, () =>
          Promise.all(shares.map(({ single, inputs, count }) => single.ask({ inputs, count }))),
        ),
      );
      inTurn.push(
        await withEcho(oursMs / runs, async () => {
          for (const { threaded, inputs, count } of shares) await threaded.ask({ inputs, count });
        }),
      );
    }
    await echo.close();
    for (const { app, single, threaded } of shares) {
      await Promise.all([app.close(), single.close(), threaded.close()]);
    }
    const [oursMs, sideBySideMs, inTurnMs] = [median(ours), median(sideBySide), median(inTurn)];
    return [
      atLeast(0.9, {
        figure: 'two models at once / best bare configuration',
        value: Math.min(sideBySideMs, inTurnMs) / oursMs,
        unit: 'x',
        detail: { oursMs, sideBySideMs, inTurnMs, runs },
      }),
    ];
  },
};
