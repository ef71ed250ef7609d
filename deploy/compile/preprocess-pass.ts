import type { Tensor } from '../../src/contract/mod.js';
import { join } from '../../src/disk/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { decodeModel, encodeModel } from '../../src/onnx/decoded/mod.js';
import { checkModelBytes, type WeightsFiles } from '../../src/onnx/mod.js';
import { readBytes, writeBytes } from '../files/mod.js';
import { modelLayout, prepareOutside, prepareWithin, type Preprocess } from '../preprocess/mod.js';
import type { InputRecipe } from './make-inputs.js';
import type { Pass } from './passes.js';

/** The largest and smallest values that an app sends, where they are made for the proof. */
const SENT_RANGES = {
  UINT8: [0, 256],
  INT8: [-128, 128],
  UINT16: [0, 65_536],
  INT16: [-32_768, 32_768],
  INT32: [-(2 ** 31), 2 ** 31],
  FP32: [0, 1],
} as const;

/** Steps before a model, put into its graph. */
export interface PreprocessPass extends Pass {
  /**
   * What the source model takes, from what an app sends, by the same steps outside any graph.
   * Only after the pass has run, which looks at the model's inputs.
   */
  readonly outside: (inputs: readonly Tensor[]) => readonly Tensor[];
  /** How inputs for the proof are made, where nothing else is said. */
  readonly recipe: (given: InputRecipe) => InputRecipe;
}

/** @param weights files of weights beside the model, with their sizes */
export function preprocessPass(
  preprocess: Readonly<Record<string, Preprocess>>,
  weights: WeightsFiles,
): PreprocessPass {
  const specs = new Map<string, TensorSpec>();
  return {
    name: `preprocess ${Object.keys(preprocess).join(' ')}`,
    run: async (modelFile, { scratch }) => {
      const bytes = new Uint8Array(await readBytes(modelFile));
      const { inputs } = checkModelBytes(bytes, weights);
      for (const spec of inputs) specs.set(spec.name, spec);
      const model = decodeModel(bytes);
      prepareWithin(model, inputs, preprocess);
      const preparedFile = join(scratch, 'prepared.onnx');
      await writeBytes(preparedFile, encodeModel(model));
      return preparedFile;
    },
    outside: (inputs) =>
      inputs.map((sent) => {
        const spec = specs.get(sent.name);
        const steps = preprocess[sent.name];
        if (spec === undefined || steps === undefined) return sent;
        const { datatype: _datatype, size: _size, ...rest } = steps;
        return prepareOutside(sent, spec, rest, `preprocess.${sent.name}`);
      }),
    recipe: (given) => {
      const entries = Object.entries(preprocess);
      const ranges = entries.map(([name, { datatype = 'UINT8' }]) => [name, SENT_RANGES[datatype]] as const);
      const shapes = entries.flatMap(([name, steps]) => {
        const shape = unevenShape(steps, specs.get(name), `preprocess.${name}`);
        return shape === undefined ? [] : [[name, shape] as const];
      });
      return {
        ...given,
        ranges: { ...Object.fromEntries(ranges), ...given.ranges },
        shapes: { ...Object.fromEntries(shapes), ...given.shapes },
      };
    },
  };
}

/** Where an app may send pictures of any size: one that is resized by no whole factor. */
function unevenShape(steps: Preprocess, spec: TensorSpec | undefined, field: string): number[] | undefined {
  const { layout, size, resize } = steps;
  if (layout === undefined || resize === undefined || size !== undefined || spec === undefined)
    return undefined;
  const target = modelLayout(spec, steps, field);
  const sizeOf = (axis: string): number => {
    const found = spec.shape[target.indexOf(axis)];
    return typeof found === 'number' && found > 0 ? found : 1;
  };
  const sent: Readonly<Record<string, number>> = {
    N: sizeOf('N'),
    C: sizeOf('C'),
    H: sizeOf('H') + 3,
    W: 2 * sizeOf('W') + 1,
  };
  return layout.split('').map((axis) => sent[axis] ?? 1);
}
