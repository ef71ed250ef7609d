import { MAX_SYMBOL_CHARS, type Datatype } from '../contract/mod.js';
import { refused } from './refusal.js';
import { fieldsOf } from './wire.js';

/** ONNX's numbers of element types that onnxruntime-node takes as inputs and outputs. */
const ELEMENT_TYPES: Readonly<Record<number, Datatype>> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'BYTES',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
  12: 'UINT32',
  13: 'UINT64',
};
/** Types that a graph may have within, and Node's binding has no arrays for. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
};
const MAX_SIZE = 2 ** 31 - 1;

const VALUE = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
const SHAPE = { dimension: 1 } as const;
const DIMENSION = { value: 1, symbol: 2 } as const;

/** One input or output of a graph. A dimension is a size, -1 (any), or a symbol's name. */
export interface GraphTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: (number | string)[];
}

/** What to do about sequences, maps and optional values. */
const NO_TENSOR = {
  input: 'Export the model with tensors as its inputs, one for each element of a sequence',
  output:
    "Compile it first: edge-manager compile gives the tensor in place of a ZipMap, and leaves others out with --outputs; or export it without them, such as with options={'zipmap': False} of skl2onnx",
} as const;

/** What the graph says of one of its inputs or outputs, from a ValueInfo message in strict form. */
export function tensorOf(valueInfo: Uint8Array, kind: 'input' | 'output'): GraphTensor {
  const name = textAt(valueInfo, VALUE.name);
  if (name === '')
    throw refused(`one ${kind} has no name`, undefined, `Name each ${kind} when it is exported`);
  const tensor = bytesAt(bytesAt(valueInfo, VALUE.type), TYPE.tensor);
  if (tensor === undefined) throw refused(`${kind} '${name}' is not a tensor`, undefined, NO_TENSOR[kind]);
  const elementType = numberAt(tensor, TENSOR_TYPE.elementType) ?? 0;
  const datatype = ELEMENT_TYPES[elementType];
  if (datatype === undefined) {
    const type = OTHER_TYPES[elementType];
    throw refused(
      `${kind} '${name}' has element type ${elementType}, which the runtime does not take`,
      undefined,
      `Cast it within the graph${type === undefined ? '' : ` (from and to ${type})`}, so that the ${kind} is float32 or another plain type`,
    );
  }
  const shape = shapeOf(bytesAt(tensor, TENSOR_TYPE.shape), (size) => {
    throw refused(
      `${kind} '${name}' has a dimension of ${size}`,
      undefined,
      'Export it with sizes of 0 and more, or leave that dimension open',
    );
  });
  return { name, datatype, shape };
}

export function nameOf(valueInfo: Uint8Array): string {
  return textAt(valueInfo, VALUE.name);
}

/** Sizes, symbols, and -1 where a dimension has neither; `[]` where the graph gives no shape. */
function shapeOf(shape: Uint8Array | undefined, refuse: (size: number) => never): (number | string)[] {
  const dimensions: (number | string)[] = [];
  if (shape === undefined) return dimensions;
  for (const { number, bytes } of fieldsOf(shape)) {
    if (number !== SHAPE.dimension || bytes === undefined) continue;
    const symbol = textAt(bytes, DIMENSION.symbol);
    const isNamed = symbol !== '' && symbol.length <= MAX_SYMBOL_CHARS;
    const size = !isNamed ? (numberAt(bytes, DIMENSION.value) ?? -1) : symbol;
    if (typeof size === 'number' && (size < -1 || size > MAX_SIZE)) refuse(size);
    dimensions.push(size);
  }
  return dimensions;
}

/** A singular field's text; empty where it is absent. */
export function textAt(message: Uint8Array | undefined, number: number): string {
  const bytes = bytesAt(message, number);
  return bytes === undefined ? '' : decoder.decode(bytes);
}

function bytesAt(message: Uint8Array | undefined, number: number): Uint8Array | undefined {
  if (message === undefined) return undefined;
  for (const field of fieldsOf(message)) if (field.number === number) return field.bytes;
  return undefined;
}

export function numberAt(message: Uint8Array, number: number): number | undefined {
  for (const field of fieldsOf(message)) if (field.number === number) return field.value;
  return undefined;
}

const decoder = new TextDecoder();
