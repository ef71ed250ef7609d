import { EdgeError, messageOf } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import type { WeightsFile } from '../../src/onnx/decoded/mod.js';
import { writeBytes, writeParts, type Part } from '../files/mod.js';
import type { SourceModel } from './read-model.js';

/** A file of weights that was written. */
export interface WrittenWeights {
  readonly name: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Writes a model, and the files of its weights in chunks beside it. The model's memory is given back then.
 * @throws EdgeError FILE_UNREADABLE naming the file of weights
 */
export async function writeModel(
  source: SourceModel,
  modelFile: string,
  folder: string,
): Promise<WrittenWeights[]> {
  const written: WrittenWeights[] = [];
  for (const weights of source.weights) {
    const file = join(folder, weights.name);
    try {
      const sha256 = await writeParts(file, partsOf(weights, source.folder));
      written.push({ name: weights.name, file, sizeBytes: weights.sizeBytes, sha256 });
    } catch (error) {
      throw new EdgeError('FILE_UNREADABLE', `Cannot write the weights of the model: ${messageOf(error)}`, {
        field: weights.name,
        nextStep: `Look at the files beside the model, and whether ${folder} has ${weights.sizeBytes} bytes of room`,
        cause: error,
      });
    }
  }
  await writeBytes(modelFile, source.bytes);
  source.release();
  return written;
}

function partsOf({ pieces }: WeightsFile, folder: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { at, sizeBytes, from } of pieces) {
    if (at > end) parts.push({ sizeBytes: at - end, from: new Uint8Array(at - end) });
    const source =
      from instanceof Uint8Array ? from : { path: join(folder, from.location), offset: from.offset };
    parts.push({ sizeBytes, from: source });
    end = at + sizeBytes;
  }
  return parts;
}
