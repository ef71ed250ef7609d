import { median } from '../../examples/floors/mod.js';
import { interleaved, rounded, type Figure, type FigureRow } from './figure.js';
import { imageInputs, speechInputs } from './inputs.js';

const ROUNDS = 7;
/** A predict request with a Silero window inline, as bytes on the wire. */
const SMALL_REQUEST_BYTES = 4700;

export const predictSmall: Figure = {
  name: 'predict-small',
  about: 'predict over IPC with a Silero VAD window, beside an IPC echo of the same size and a bare run',
  async run(rig): Promise<readonly FigureRow[]> {
    const model = await rig.install('SileroVad');
    const app = await rig.startApp();
    const echo = await rig.startEcho();
    const bare = await rig.startBare(model.modelFile);
    const inputs = speechInputs();
    const samples = await interleaved(ROUNDS, {
      echo: () => echo.measure({ count: 100, bytes: SMALL_REQUEST_BYTES }),
      bare: async () => (await bare.ask({ inputs, count: 100 })).samplesMs,
      predict: async () =>
        (await app.ask({ kind: 'predict', model: 'SileroVad', inputs, count: 100, capture: 'never' }))
          .samplesMs,
    });
    await Promise.all([app.close(), echo.close(), bare.close()]);
    const [echoMs, bareMs, predictMs] = [
      median(samples['echo'] ?? []),
      median(samples['bare'] ?? []),
      median(samples['predict'] ?? []),
    ];
    const ratio = predictMs / (echoMs + bareMs);
    return [
      {
        figure: 'predict, small tensor, p50 / (echo + bare run)',
        value: rounded(ratio, 2),
        unit: 'x',
        goal: '<= 1.3',
        met: ratio <= 1.3,
        detail: { predictMs: rounded(predictMs), echoMs: rounded(echoMs), bareMs: rounded(bareMs) },
      },
    ];
  },
};

export const predictLarge: Figure = {
  name: 'predict-large',
  about:
    'predict over IPC with 602 kB by file (PaddleOCR detection), beside an IPC echo of 100 B and a bare run',
  async run(rig): Promise<readonly FigureRow[]> {
    const model = await rig.install('PaddleOcrDet');
    const app = await rig.startApp();
    const echo = await rig.startEcho();
    const bare = await rig.startBare(model.modelFile);
    const inputs = imageInputs();
    const samples = await interleaved(ROUNDS, {
      echo: () => echo.measure({ count: 60, bytes: 100 }),
      bare: async () => (await bare.ask({ inputs, count: 20 })).samplesMs,
      predict: async () =>
        (await app.ask({ kind: 'predict', model: 'PaddleOcrDet', inputs, count: 20, capture: 'never' }))
          .samplesMs,
    });
    await Promise.all([app.close(), echo.close(), bare.close()]);
    const [echoMs, bareMs, predictMs] = [
      median(samples['echo'] ?? []),
      median(samples['bare'] ?? []),
      median(samples['predict'] ?? []),
    ];
    const over = predictMs - echoMs - bareMs;
    return [
      {
        figure: 'predict, 602 kB by file, p50 over echo + bare run',
        value: rounded(over, 2),
        unit: 'ms',
        goal: '<= 1.0',
        met: over <= 1,
        detail: { predictMs: rounded(predictMs), echoMs: rounded(echoMs), bareMs: rounded(bareMs) },
      },
    ];
  },
};

export const loopGap: Figure = {
  name: 'loop-gap',
  about: 'how long the control process lets a listing wait while a model runs for about half a second',
  async run(rig): Promise<readonly FigureRow[]> {
    await rig.install('PaddleOcrDet');
    const busy = await rig.startApp();
    const asker = await rig.startApp();
    const idle = await asker.ask({ kind: 'list', count: 100 });
    // A large image makes one inference last about half a second.
    const inputs = imageInputs(1280);
    await busy.ask({ kind: 'predict', model: 'PaddleOcrDet', inputs, count: 1, capture: 'never' });
    const running = busy.ask({ kind: 'predict', model: 'PaddleOcrDet', inputs, count: 6, capture: 'never' });
    const during: number[] = [];
    let ended = false;
    const runs = running.finally(() => (ended = true));
    while (!ended) during.push(...(await asker.ask({ kind: 'list', count: 20 })).samplesMs);
    const runMs = median((await runs).samplesMs);
    await Promise.all([busy.close(), asker.close()]);
    const gapMs = Math.max(...during) - median(idle.samplesMs);
    return [
      {
        figure: 'longest wait for the control process while a model runs',
        value: rounded(gapMs, 1),
        unit: 'ms',
        goal: '<= 20',
        met: gapMs <= 20,
        detail: {
          modelRunMs: rounded(runMs, 1),
          idleListMs: rounded(median(idle.samplesMs)),
          asked: during.length,
        },
      },
    ];
  },
};
