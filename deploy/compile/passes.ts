import type { Tensor } from '../../src/contract/mod.js';
import { join } from '../../src/disk/mod.js';
import type { GraphOptimization } from '../../src/engine/mod.js';
import { type Target } from '../../src/model/mod.js';
import {
  decodeModel,
  encodeModel,
  fixDimensions,
  pruneOperatorSets,
  type OnnxModel,
} from '../../src/onnx/decoded/mod.js';
import { runSession } from '../engine-child/mod.js';
import { readBytes, writeBytes } from '../files/mod.js';

/** What a pass may use. */
export interface PassContext {
  /** A folder of this compilation's own. */
  readonly scratch: string;
  readonly timeoutMs: number;
  /** Real inputs of the model as it is then. */
  readonly cases: readonly (readonly Tensor[])[];
}

/** One step of compilation, from a model file to another one in the scratch folder, each with its weights beside it. */
export interface Pass {
  readonly name: string;
  /** It makes numbers coarser on purpose. */
  readonly lossy?: boolean;
  run(modelFile: string, context: PassContext): Promise<string>;
}

/** Gives open dimensions the sizes that the device will use, so that onnxruntime can plan and fold more. */
export function fixDimensionsPass(sizes: Readonly<Record<string, number>>): Pass {
  return {
    name: `fix ${Object.entries(sizes)
      .map(([name, size]) => `${name}=${size}`)
      .join(' ')}`,
    run: async (modelFile, { scratch }) => {
      const fixedFile = join(scratch, 'fixed.onnx');
      const model = await readDecoded(modelFile);
      fixDimensions(model, sizes);
      await writeBytes(fixedFile, encodeModel(model));
      return fixedFile;
    },
  };
}

/**
 * The level at which an optimised graph may travel: `basic` leaves standard operators only, so any CPU and any
 * later runtime reads it; `extended` adds onnxruntime's fused operators, the same on every CPU, for a platform that
 * is known to run our runtime. What is above (`layout`, `all`) fits one CPU and is left to the device.
 */
export function travelLevel(target: Target): GraphOptimization {
  return target === 'any' ? 'basic' : 'extended';
}

/** onnxruntime's own graph optimisation, written back as a model. */
export function optimisePass(level: GraphOptimization): Pass {
  return {
    name: `optimise ${level}`,
    run: async (modelFile, { scratch, timeoutMs }) => {
      const optimizedModelFile = join(scratch, 'optimised.onnx');
      const task = { modelFile, graphOptimization: level, optimizedModelFile, cases: [], timedRuns: 0 };
      await runSession(task, timeoutMs);
      const model = await readDecoded(optimizedModelFile);
      // onnxruntime imports every operator set that it knows; a package names those that it needs.
      pruneOperatorSets(model);
      await writeBytes(optimizedModelFile, encodeModel(model));
      return optimizedModelFile;
    },
  };
}

async function readDecoded(file: string): Promise<OnnxModel> {
  return decodeModel(new Uint8Array(await readBytes(file)));
}
