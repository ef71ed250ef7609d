import { median } from '../../../examples/floors/mod.js';
import { atMost } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { imageInputs } from './inputs.js';

/** A large image makes one inference last about half a second. */
const LONG_IMAGE_SIDE = 1024;
const RUNS = 8;

export const loopGap: BenchRow = {
  name: 'loop-gap',
  about:
    "the control process's event loop while a model runs for about half a second, beside ONNX Runtime in a plain process and the same loop with nothing to do",
  run: async (bench) => {
    const rig = await bench.rig();
    const { modelFile } = await rig.install('PaddleOcrDet');
    const inputs = imageInputs(LONG_IMAGE_SIDE);
    const [busy, bare] = await Promise.all([rig.startApp(), rig.startBare(modelFile)]);
    const long = { kind: 'predict', model: 'PaddleOcrDet', inputs, capture: 'never' } as const;
    await busy.ask({ ...long, count: 1 });
    const idle = await rig.loop.during(
      () => new Promise((resolve) => setTimeout(resolve, bench.share(2000))),
    );
    const { result, gap } = await rig.loop.during(() => busy.ask({ ...long, count: bench.share(RUNS) }));
    const floor = await bare.ask({ inputs, count: bench.share(3) });
    await Promise.all([busy.close(), bare.close()]);
    return [
      atMost(20, {
        figure: 'longest event-loop gap of the control process while a model runs',
        value: gap.maxMs,
        unit: 'ms',
        detail: {
          modelRunMs: median(result.samplesMs),
          p99Ms: gap.p99Ms,
          idleGapMs: idle.gap.maxMs,
          bareGapMs: floor.loopGapMs,
        },
      }),
    ];
  },
};
