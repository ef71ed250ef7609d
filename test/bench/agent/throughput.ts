import { atLeast, rounded, type BenchRow } from '../figure.js';
import { median } from '../../../examples/floors/mod.js';
import { imageInputs, textLineInputs } from './inputs.js';
import type { RigModel } from './rig.js';

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
        apps.map((app) => app.ask({ kind: 'predict', model: 'PaddleOcrDet', inputs, count, capture: 'never' })),
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

interface Share {
  readonly model: RigModel;
  readonly inputs: ReturnType<typeof imageInputs>;
  count: number;
}

export const twoModels: BenchRow = {
  name: 'two-models',
  about:
    'two models at once on all cores, beside the better of two bare ways: a process each with one thread, or one after the other with all threads',
  run: async (bench) => {
    const rig = await bench.rig();
    const shares: Share[] = [
      { model: 'PaddleOcrDet', inputs: imageInputs(), count: 30 },
      { model: 'PaddleOcrRec', inputs: textLineInputs(), count: 30 },
    ];
    const files = [];
    for (const { model } of shares) files.push((await rig.install(model)).modelFile);
    const single = await Promise.all(files.map((file) => rig.startBare(file, 1)));
    const threaded = await Promise.all(files.map((file) => rig.startBare(file, 2)));
    const apps = await Promise.all(shares.map(() => rig.startApp()));
    // As much work for either: about two seconds alone.
    for (const [index, share] of shares.entries()) {
      const answer = await single[index]?.ask(share);
      share.count = Math.max(20, Math.round((share.count * 2000) / (answer?.elapsedMs ?? 1000)));
    }
    const timed = async (act: () => Promise<unknown>): Promise<number> => {
      const begunMs = performance.now();
      await act();
      return performance.now() - begunMs;
    };
    const [ours, sideBySide, inTurn]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(
        await timed(() =>
          Promise.all(
            shares.map((share, index) =>
              apps[index]?.ask({ kind: 'predict', ...share, capture: 'never', concurrency: 2 }),
            ),
          ),
        ),
      );
      sideBySide.push(await timed(() => Promise.all(shares.map((share, index) => single[index]?.ask(share)))));
      inTurn.push(
        await timed(async () => {
          for (const [index, share] of shares.entries()) await threaded[index]?.ask(share);
        }),
      );
    }
    await Promise.all([...apps, ...single, ...threaded].map((floorProcess) => floorProcess.close()));
    const [oursMs, sideBySideMs, inTurnMs] = [median(ours), median(sideBySide), median(inTurn)];
    return [
      atLeast(0.9, {
        figure: 'two models at once / best bare configuration',
        value: Math.min(sideBySideMs, inTurnMs) / oursMs,
        unit: 'x',
        detail: {
          oursMs,
          sideBySideMs,
          inTurnMs,
          runs: rounded(shares.reduce((sum, { count }) => sum + count, 0)),
        },
      }),
    ];
  },
};
