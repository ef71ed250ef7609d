import { canonicalJson, EdgeError } from '../../src/core/mod.js';
import { decodeModel } from '../../src/onnx/decoded/mod.js';
import { readBytes } from '../files/mod.js';
import { preparedWithin } from '../preprocess/mod.js';
import type { ModelYaml } from './model-yaml.js';

/**
 * Holds a model to the `preprocess` of its model.yaml: apps would send pixels to a model that wants something else.
 * @throws EdgeError INVALID_ARGUMENT naming the input
 */
export async function checkPreprocess({ preprocess }: ModelYaml, modelFile: string): Promise<void> {
  if (preprocess === undefined) return;
  const within = preparedWithin(decodeModel(new Uint8Array(await readBytes(modelFile))));
  for (const [name, steps] of Object.entries(preprocess)) {
    const found = within.get(name);
    if (found === canonicalJson(steps)) continue;
    const current = found === undefined ? 'it has none' : `it has ${found}`;
    throw new EdgeError(
      'FIELD_INVALID',
      `Cannot package the model as 'preprocess.${name}' is not in its graph as model.yaml says: ${current}`,
      {
        field: `preprocess.${name}`,
        nextStep: 'Package what edge-manager compile --preprocess model.yaml gives',
      },
    );
  }
}
