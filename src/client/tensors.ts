import { ELEMENT_BYTES, type Datatype, type Tensor } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';

/** Typed arrays by Open Inference Protocol datatype; FP16 as its 16 bits, BOOL as 0 and 1. */
export interface TypedArrays {
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Uint16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  BYTES: readonly string[];
}

const views = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

/**
 * A tensor from a typed array (BYTES: from strings). The bytes are not copied.
 * @param shape row-major; `[]` is a scalar
 * @throws EdgeError INVALID_ARGUMENT (TENSOR_INVALID) where shape and data differ in their number of elements
 * @example tensor('input', 'FP32', [1, 576], new Float32Array(576))
 */
export function tensor<T extends Datatype>(
  name: string,
  datatype: T,
  shape: readonly number[],
  data: TypedArrays[T],
): Tensor {
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  if (data.length !== count) {
    throw new EdgeError(
      'TENSOR_INVALID',
      `Cannot make tensor '${name}' as its shape [${shape.join(', ')}] holds ${count} elements: ${data.length} were given`,
      { field: name },
    );
  }
  if (datatype === 'BYTES')
    return { name, datatype, shape: [...shape], data: encodeStrings(data as readonly string[]) };
  const array = data as Exclude<TypedArrays[Datatype], readonly string[]>;
  return {
    name,
    datatype,
    shape: [...shape],
    data: new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  };
}

/**
 * A tensor's elements, row-major, as the typed array of its datatype; copied only where the bytes are not aligned.
 * @example const classes = elements(output); // BigInt64Array for an INT64 output of shape [1, 5]
 */
export function elements<T extends Datatype>(from: Tensor & { readonly datatype: T }): TypedArrays[T];
export function elements(from: Tensor): TypedArrays[Datatype];
export function elements(from: Tensor): TypedArrays[Datatype] {
  if (from.datatype === 'BYTES') return decodeStrings(from.data);
  const View = views[from.datatype];
  const size = ELEMENT_BYTES[from.datatype];
  const { data } = from;
  const aligned = data.byteOffset % size === 0 ? data : data.slice();
  return new View(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
}

/**
 * The elements of an FP32 output, which most models have, row-major.
 * @throws EdgeError INVALID_ARGUMENT (TENSOR_INVALID) where its datatype is another
 * @example const [probability] = float32(outputs[0]);
 */
export function float32(from: Tensor): Float32Array {
  if (from.datatype !== 'FP32') {
    throw new EdgeError(
      'TENSOR_INVALID',
      `Cannot read '${from.name}' as FP32: its datatype is ${from.datatype}`,
    );
  }
  return elements(from) as Float32Array;
}

function encodeStrings(strings: readonly string[]): Uint8Array {
  const encoded = strings.map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(encoded.reduce((sum, item) => sum + 4 + item.byteLength, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const item of encoded) {
    view.setUint32(at, item.byteLength, true);
    bytes.set(item, at + 4);
    at += 4 + item.byteLength;
  }
  return bytes;
}

function decodeStrings(bytes: Uint8Array): readonly string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: string[] = [];
  let at = 0;
  while (at + 4 <= bytes.byteLength) {
    const size = view.getUint32(at, true);
    strings.push(new TextDecoder().decode(bytes.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return strings;
}
