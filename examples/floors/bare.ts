import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createOnnxEngine, type SessionOptions } from '../../src/engine/mod.js';
import type { Tensor } from '../../src/contract/mod.js';
import { answerParent } from './child.js';

/** The floor of every inference: onnxruntime-node in a plain process. `bare.js MODEL [SESSION OPTIONS AS JSON]`. */
export interface BareQuestion {
  readonly inputs: readonly Tensor[];
  readonly count: number;
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

answerParent(async ({ inputs, count }: BareQuestion): Promise<BareAnswer> => {
  const samplesMs: number[] = [];
  let outputs: readonly Tensor[] = [];
  const gaps = monitorEventLoopDelay({ resolution: 1 });
  gaps.enable();
  const startedMs = performance.now();
  for (let index = 0; index < count; index++) {
    const begunMs = performance.now();
    outputs = await session.run(inputs);
    samplesMs.push(performance.now() - begunMs);
  }
  const elapsedMs = performance.now() - startedMs;
  gaps.disable();
  return { samplesMs, outputs, elapsedMs, loopGapMs: gaps.max / 1e6 };
});
