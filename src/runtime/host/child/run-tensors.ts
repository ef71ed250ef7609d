import {
  ELEMENT_BYTES,
  INLINE_MAX_BYTES,
  MAX_TENSOR_BYTES,
  type Datatype,
  type Tensor,
  type TensorMetadata,
} from '../../../contract/mod.js';
import { checkTensorBytes, tensorByteSize } from '../../../tensor/mod.js';
import { EdgeError } from '../../../core/mod.js';
import { checkInputForms } from '../../../engine/mod.js';
import {
  ExchangeFolder,
  folderUnknown,
  type FileTensor,
  type HostTensor,
  type RunRequest,
} from '../port/mod.js';

/** What a tensor costs in a message beside its bytes, in terms of raw bytes. */
const TENSOR_OVERHEAD_BYTES = 64;

/**
 * A request's inputs with their bytes at hand; files are read once, into memory of our own. Before any is read, names,
 * types and shapes are held against the model's: a hundred bytes of request must not cost memory that the model has no
 * use for. Where all are inline, the session's own check of them is enough.
 */
export function readInputs(request: RunRequest, wanted: readonly TensorMetadata[]): Tensor[] {
  if (request.inputs.some((input) => 'file' in input)) checkInputForms(wanted, request.inputs);
  checkTotal(request.inputs.map((input) => ('file' in input ? input.file.byteSize : input.data.byteLength)));
  return request.inputs.map((input, index) =>
    'file' in input ? readFile(input, request, `inputs[${index}]`) : input,
  );
}

function checkTotal(sizes: readonly number[]): void {
  if (sizes.reduce((sum, size) => sum + size, 0) <= MAX_TENSOR_BYTES) return;
  throw new EdgeError(
    'TENSOR_INVALID',
    `Cannot read the inputs as they must total at most ${MAX_TENSOR_BYTES} bytes`,
    { field: 'inputs' },
  );
}

function readFile({ name, datatype, shape, file }: FileTensor, request: RunRequest, field: string): Tensor {
  const wanted = tensorByteSize(datatype, shape, `${field}.shape`);
  if (wanted !== undefined && wanted !== file.byteSize) {
    throw new EdgeError(
      'TENSOR_INVALID',
      `Cannot read the tensor '${field}' as its file region must hold ${wanted} bytes: current size is ${file.byteSize}`,
      { field: `${field}.file.byteSize` },
    );
  }
  const data = folderOf(request, `${field}.file`).read(file, `${field}.file`);
  const tensor = { name, datatype, shape: [...shape], data };
  checkTensorBytes(tensor, field);
  return tensor;
}

/**
 * Whether the outputs will have somewhere to go, as far as the model's shapes tell: a request that was not offered a
 * file is refused before the run, not after it.
 * @throws EdgeError INVALID_ARGUMENT (OUTPUT_ROOM_TOO_SMALL)
 */
export function checkOutputRoom(outputs: readonly TensorMetadata[], request: RunRequest): void {
  if (request.outputFile !== undefined) return;
  const wanted = outputs.filter(({ name }) => request.outputs?.includes(name) ?? true);
  const least = wanted.map(({ name, datatype, shape }) => ({ name, byteSize: leastBytes(datatype, shape) }));
  if (!fitsReply(least, request)) throw roomTooSmall(least);
}

/** Outputs as the reply carries them: inline while they fit into a message, else in the caller's file. */
export function writeOutputs(outputs: readonly Tensor[], request: RunRequest): HostTensor[] {
  const sizes = outputs.map(({ name, data }) => ({ name, byteSize: data.byteLength }));
  if (fitsReply(sizes, request)) return [...outputs];
  if (request.outputFile === undefined) throw roomTooSmall(sizes);
  const regions = folderOf(request, 'outputFile').write(
    request.outputFile,
    outputs.map(({ data }) => data),
    'outputFile',
  );
  return outputs.flatMap(({ name, datatype, shape }, index) => {
    const file = regions[index];
    return file === undefined ? [] : [{ name, datatype, shape, file }];
  });
}

interface OutputSize {
  readonly name: string;
  readonly byteSize: number;
}

function fitsReply(
  outputs: readonly OutputSize[],
  { maxInlineBytes = INLINE_MAX_BYTES }: RunRequest,
): boolean {
  const cost = outputs.reduce((sum, { name, byteSize }) => {
    return sum + byteSize + Buffer.byteLength(name) + TENSOR_OVERHEAD_BYTES;
  }, 0);
  return cost <= maxInlineBytes;
}

function roomTooSmall(outputs: readonly OutputSize[]): EdgeError {
  const totalBytes = outputs.reduce((sum, { byteSize }) => sum + byteSize, 0);
  return new EdgeError(
    'OUTPUT_ROOM_TOO_SMALL',
    `Cannot reply inline as the outputs take ${totalBytes} bytes: give 'outputFile' a region of that size`,
    { field: 'outputFile' },
  );
}

/** 0 where a size is known only at run time. */
function leastBytes(datatype: Datatype, shape: TensorMetadata['shape']): number {
  return shape.reduce<number>(
    (bytes, size) => (typeof size === 'number' && size >= 0 ? bytes * size : 0),
    ELEMENT_BYTES[datatype],
  );
}

function folderOf(request: RunRequest, field: string): ExchangeFolder {
  if (request.exchangeFolder !== undefined) return new ExchangeFolder(request.exchangeFolder);
  throw folderUnknown(field);
}
