import { EdgeError, MEBIBYTE, messageOf } from '../../src/core/mod.js';
import { basename, dirname, join } from '../../src/disk/mod.js';
import { FILE_MAX_BYTES, giveBack, PACKAGE_MAX_BYTES, readOnce } from '../../src/model/mod.js';
import {
  decodeModel,
  embedExternalData,
  encodeModel,
  externalFilesOf,
  layOutWeights,
  outputClasses,
  type OnnxModel,
  type WeightsFile,
} from '../../src/onnx/decoded/mod.js';
import { checkPackable, type ModelFacts } from '../../src/onnx/mod.js';
import { isInside, realPath, sizeOf } from '../files/mod.js';

/** A larger model keeps its weights in files of their own: a device maps them, where it would hold them twice. */
export const OUTSIDE_ABOVE_BYTES = 256 * MEBIBYTE;

export interface ReadOptions {
  /** Of a large model's files of weights: `<prefix>-1.bin`. Default `weights`, as packages have them. */
  readonly weightsPrefix?: string;
  readonly outsideAboveBytes?: number;
  /** It may be larger than a package: something will be taken from it. Default false. */
  readonly anySize?: boolean;
  /** Changes the model once it was read, and says how. Default: nothing. */
  readonly adapt?: (model: OnnxModel, bytes: Uint8Array) => readonly string[];
}

export interface SourceModel {
  /** The model with all its weights inside; a large one without, and with names of {@link weights}. */
  readonly bytes: Uint8Array;
  /** Files that are still to be written beside it, by {@link writeModel}. */
  readonly weights: readonly WeightsFile[];
  /** Where the files lie that its pieces name. */
  readonly folder: string;
  /** Gives back the memory of what was read, once the weights are written. */
  readonly release: () => void;
  /** SHA-256 of the file as it lies there, before weights were moved in. */
  readonly sha256: string;
  readonly facts: ModelFacts;
  /** Classes of outputs that were maps before they were compiled, in the order of their last dimension. */
  readonly classes: ReadonlyMap<string, readonly string[]>;
  /** How it was changed by {@link ReadOptions.adapt}. */
  readonly adapted: readonly string[];
}

/**
 * Reads a model file and moves weights from files beside it into it; of a large model, plans files of weights. Side
 * files must be plain ones in the model's own folder or below it.
 * @throws EdgeError FAILED_PRECONDITION or INVALID_ARGUMENT naming the file
 */
export async function readModel(path: string, options: ReadOptions = {}): Promise<SourceModel> {
  const file = await readSource(path, basename(path));
  const model = decodeModel(file.bytes);
  const folder = dirname(path);
  const locations = externalFilesOf(model);
  for (const location of locations) await checkBelow(folder, location);
  const sizes = await sideSizes(folder, locations);
  const totalBytes = [...sizes.values()].reduce((sum, one) => sum + one, file.bytes.length);
  const { weightsPrefix = 'weights', outsideAboveBytes = OUTSIDE_ABOVE_BYTES, adapt } = options;
  const adapted = adapt?.(model, file.bytes) ?? [];
  const changes = { classes: outputClasses(model), adapted };
  if (totalBytes <= outsideAboveBytes)
    return { ...(await wholeModel(model, file, folder, adapted)), ...changes };
  if (options.anySize !== true) checkFits(totalBytes, path);
  const weights = layOutWeights(model, weightsPrefix, sizes);
  const bytes = encodeModel(model);
  const facts = checkPackable(bytes, new Map(weights.map(({ name, sizeBytes }) => [name, sizeBytes])));
  const release = (): void => giveBack(file.bytes);
  return { bytes, weights, folder, sha256: file.sha256, facts, release, ...changes };
}

async function wholeModel(
  model: OnnxModel,
  file: { bytes: Uint8Array; sha256: string },
  folder: string,
  adapted: readonly string[],
): Promise<Omit<SourceModel, 'classes' | 'adapted'>> {
  const embedded = await embedExternalData(model, async (location) => {
    const side = await readSource(join(folder, location), location);
    return side.bytes;
  });
  const bytes = embedded === 0 && adapted.length === 0 ? file.bytes : encodeModel(model);
  const facts = checkPackable(bytes);
  return { bytes, weights: [], folder, sha256: file.sha256, facts, release: () => undefined };
}

/** What no device could be given is said here, long before one. */
function checkFits(totalBytes: number, path: string): void {
  if (totalBytes <= PACKAGE_MAX_BYTES) return;
  throw new EdgeError(
    'MODEL_REFUSED',
    `Cannot read the model as a package holds at most ${PACKAGE_MAX_BYTES} bytes: with its weights it has ${totalBytes}`,
    { field: path, nextStep: 'Quantise it (compile --quantise), or split it into several models' },
  );
}

async function sideSizes(folder: string, locations: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const location of locations) sizes.set(location, await sizeOfSide(folder, location));
  return sizes;
}

/** 0 for what can't be looked at: whoever reads it says why. */
async function sizeOfSide(folder: string, location: string): Promise<number> {
  return await sizeOf(join(folder, location)).catch(() => 0);
}

/** A folder's name may be a link: what lies elsewhere on this machine does not belong to the model. */
async function checkBelow(folder: string, location: string): Promise<void> {
  const [from, to] = await Promise.all([realPath(folder), realPath(dirname(join(folder, location)))]).catch(
    (error: unknown) => refuse(`${location} of its weights is missing: ${messageOf(error)}`, location, error),
  );
  if (to === from || isInside(from, to)) return;
  refuse(`${JSON.stringify(location)} of its weights leads out of the model's folder`, location);
}

function refuse(reason: string, field: string, cause?: unknown): never {
  throw new EdgeError('MODEL_REFUSED', `Cannot read the model as ${reason}`, {
    field,
    nextStep: "Put the files of the model's weights where it says, in its own folder or below",
    ...(cause === undefined ? {} : { cause }),
  });
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
    throw new EdgeError('MODEL_REFUSED', reason, {
      field: path,
      nextStep:
        'Give the path of an ONNX file that this user may read, with the files of its weights beside it',
      cause: error,
    });
  }
}
