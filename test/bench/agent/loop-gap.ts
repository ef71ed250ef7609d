import { median } from '../../../examples/floors/mod.js';
import { atMost, type BenchRow } from '../figure.js';
import { imageInputs } from './inputs.js';

/** A large image makes one inference last about half a second. */
const LONG_IMAGE_SIDE = 1280;

export const loopGap: BenchRow = {
  name: 'loop-gap',
  about: 'how long the control process lets a listing wait while a model runs for about half a second',
  run: async (bench) => {
    const rig = await bench.rig();
    await rig.install('PaddleOcrDet');
    const [busy, asker] = [await rig.startApp(), await rig.startApp()];
    const idle = await asker.ask({ kind: 'list', count: 100 });
    const long = { kind: 'predict', model: 'PaddleOcrDet', inputs: imageInputs(LONG_IMAGE_SIDE) } as const;
    await busy.ask({ ...long, count: 1, capture: 'never' });
    const running = busy.ask({ ...long, count: 6, capture: 'never' });
    const during: number[] = [];
    let ended = false;
    const runs = running.finally(() => (ended = true));
    while (!ended) during.push(...(await asker.ask({ kind: 'list', count: 20 })).samplesMs);
    const modelRunMs = median((await runs).samplesMs);
    await Promise.all([busy.close(), asker.close()]);
    return [
      atMost(20, {
        figure: 'longest wait for the control process while a model runs',
        value: Math.max(...during) - median(idle.samplesMs),
        unit: 'ms',
        detail: { modelRunMs, idleListMs: median(idle.samplesMs), asked: during.length },
      }),
    ];
  },
};
