import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createOnnxEngine, type SessionOptions } from '../../src/engine/mod.js';
import type { Tensor } from '../../src/contract/mod.js';
import { answerParent } from './child.js';
import { paced, type Pace } from './paced.js';

/** The floor of every inference: onnxruntime-node in a plain process. `bare.js MODEL [SESSION OPTIONS AS JSON]`. */
export interface BareQuestion extends Pace {
  readonly inputs: readonly Tensor[];
}

export interface BareAnswer {
  readonly samplesMs: readonly number[];
  /** Outputs of the last run. */
  readonly outputs: readonly Tensor[];
  readonly elapsedMs: number;
  /** The longest time for which this process could do nothing else. */
  readonly loopGapMs: number;
}

const [model = '', options = '{}'] = process.argv.slice(2);
const engine = await createOnnxEngine();
const session = await engine.load(readFileSync(model), JSON.parse(options) as SessionOptions);

answerParent(async ({ inputs, ...pace }: BareQuestion): Promise<BareAnswer> => {
  let outputs: readonly Tensor[] = [];
  const gaps = monitorEventLoopDelay({ resolution: 1 });
  gaps.enable();
  const startedMs = performance.now();
  const samplesMs = await paced(pace, async () => {
    outputs = await session.run(inputs);
  });
  const elapsedMs = performance.now() - startedMs;
  gaps.disable();
  return { samplesMs, outputs, elapsedMs, loopGapMs: gaps.max / 1e6 };
});
