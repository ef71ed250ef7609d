import { EdgeError } from '../../core/mod.js';
import { FILE_MAX_BYTES } from '../../model/mod.js';
import { isExternal, type OnnxModel, type OnnxTensor } from './proto.js';
import { externalDataOf } from './rewrite.js';
import { tensorsOf, weightsOf } from './walk.js';

/** Smaller weights stay in the model: shapes and constants that ONNX Runtime looks at before it maps anything. */
const LEAST_BYTES = 1024;
/** Weights are mapped, and a mapping begins with a page. */
const PAGE_BYTES = 4096;
/** A file of weights ends here, unless one weight alone is larger: what is sent again after a fault is one file. */
const FILE_BYTES = 1024 ** 3;
const EXTERNAL = 1;

/** Bytes of one weight: in memory, or in a file beside the model that was read. */
export interface WeightsPiece {
  /** Where it begins in its new file. */
  readonly at: number;
  readonly sizeBytes: number;
  readonly from: Uint8Array | { readonly location: string; readonly offset: number };
}

/** A file of weights that is still to be written; between its pieces are zeros. */
export interface WeightsFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly pieces: readonly WeightsPiece[];
}

/**
 * Moves the weights of a large model into files beside it, in place: the model keeps names, types, shapes and small
 * weights. The same model gives the same files.
 * @param prefix of the files' names: `<prefix>-1.bin`
 * @param sizes of the files in which its weights stand now, by the name that it gives them
 * @throws EdgeError REWRITE_REFUSED naming the tensor
 */
export function layOutWeights(
  model: OnnxModel,
  prefix: string,
  sizes: ReadonlyMap<string, number>,
): readonly WeightsFile[] {
  const files: { name: string; sizeBytes: number; pieces: WeightsPiece[] }[] = [];
  for (const tensor of weightsOf(model)) {
    const source = sourceOf(tensor, sizes);
    if (source === undefined) continue;
    let file = files.at(-1);
    let at = file === undefined ? 0 : Math.ceil(file.sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    if (file === undefined || at + source.sizeBytes > FILE_BYTES) {
      file = { name: `${prefix}-${files.length + 1}.bin`, sizeBytes: 0, pieces: [] };
      files.push(file);
      at = 0;
    }
    file.pieces.push({ at, ...source });
    file.sizeBytes = at + source.sizeBytes;
    pointTo(tensor, file.name, at, source.sizeBytes);
  }
  const names = new Set(files.map(({ name }) => name));
  for (const tensor of tensorsOf(model)) checkPlaced(tensor, names);
  return files;
}

function sourceOf(
  tensor: OnnxTensor,
  sizes: ReadonlyMap<string, number>,
): Pick<WeightsPiece, 'sizeBytes' | 'from'> | undefined {
  if (!isExternal(tensor)) {
    const bytes = tensor.rawData;
    return bytes == null || bytes.length < LEAST_BYTES ? undefined : { sizeBytes: bytes.length, from: bytes };
  }
  const { location, offset, length } = externalDataOf(tensor);
  const sideBytes = sizes.get(location) ?? 0;
  const sizeBytes = length ?? sideBytes - offset;
  if (offset + sizeBytes > sideBytes) {
    fail(tensor, `it ends at byte ${offset + sizeBytes} of ${location}, which has ${sideBytes}`);
  }
  if (sizeBytes > FILE_MAX_BYTES) {
    fail(tensor, `it has ${sizeBytes} bytes: one weight may have at most ${FILE_MAX_BYTES}`);
  }
  return { sizeBytes, from: { location, offset } };
}

function pointTo(tensor: OnnxTensor, location: string, at: number, sizeBytes: number): void {
  delete tensor.rawData;
  tensor.dataLocation = EXTERNAL;
  tensor.externalData = Object.entries({ location, offset: String(at), length: String(sizeBytes) }).map(
    ([key, value]) => ({ key, value }),
  );
}

/** ONNX Runtime maps weights of graphs only. */
function checkPlaced(tensor: OnnxTensor, names: ReadonlySet<string>): void {
  if (!isExternal(tensor) || names.has(externalDataOf(tensor).location)) return;
  fail(tensor, 'it is a constant of a node and stands in another file, which only weights of a graph may');
}

function fail(tensor: OnnxTensor, reason: string): never {
  const name = tensor.name ?? '';
  throw new EdgeError('REWRITE_REFUSED', `Cannot rewrite the model at '${name}' as ${reason}`, {
    field: name,
    nextStep: 'Export the model again, or split the weight',
  });
}
