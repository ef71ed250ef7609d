import { messageOf, EdgeError } from '../../src/core/mod.js';
import { basename, dirname, join } from '../../src/disk/mod.js';
import { FILE_MAX_BYTES, readOnce } from '../../src/model/mod.js';
import { decodeModel, embedExternalData, encodeModel } from '../../src/onnx/decoded/mod.js';
import { checkPackable, type ModelFacts } from '../../src/onnx/mod.js';

export interface SourceModel {
  /** The model with all its weights inside. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the file as it lies there, before weights were moved in. */
  readonly sha256: string;
  readonly facts: ModelFacts;
}

/**
 * Reads a model file and moves weights from files beside it into it. Side files must be plain ones in the
 * model's own folder.
 * @throws EdgeError FAILED_PRECONDITION or INVALID_ARGUMENT naming the file
 */
export async function readModel(path: string): Promise<SourceModel> {
  const file = await readSource(path, basename(path));
  const model = decodeModel(file.bytes);
  const embedded = await embedExternalData(model, async (location) => {
    const side = await readSource(join(dirname(path), location), location);
    return side.bytes;
  });
  const bytes = embedded === 0 ? file.bytes : encodeModel(model);
  return { bytes, sha256: file.sha256, facts: checkPackable(bytes) };
}

async function readSource(path: string, name: string): Promise<{ bytes: Uint8Array; sha256: string }> {
  try {
    // A user's own model may well be a hard link: package stores link files. Links matter once it is packaged.
    const { bytes, sha256 } = await readOnce(path, name, {
      keep: true,
      maxBytes: FILE_MAX_BYTES,
      hardLinks: true,
    });
    return { bytes: bytes ?? new Uint8Array(), sha256 };
  } catch (error) {
    const reason = messageOf(error).replace('Cannot open the package as', 'Cannot read the model as');
    throw new EdgeError('MODEL_REFUSED', reason, { field: path, cause: error });
  }
}
