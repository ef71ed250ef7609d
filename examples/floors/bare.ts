import { readFileSync } from 'node:fs';
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
}

const [model = '', options = '{}'] = process.argv.slice(2);
const engine = await createOnnxEngine();
const session = await engine.load(readFileSync(model), JSON.parse(options) as SessionOptions);

answerParent(async ({ inputs, count }: BareQuestion): Promise<BareAnswer> => {
  const samplesMs: number[] = [];
  let outputs: readonly Tensor[] = [];
  for (let index = 0; index < count; index++) {
    const begunMs = performance.now();
    outputs = await session.run(inputs);
    samplesMs.push(performance.now() - begunMs);
  }
  return { samplesMs, outputs };
});
