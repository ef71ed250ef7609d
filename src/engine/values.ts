import type { Datatype, Tensor } from '../contract/mod.js';
import { decodeStrings, elementCount, encodeStrings } from '../tensor/mod.js';
import { EdgeError } from '../core/mod.js';

type NumericArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;
type ArrayConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): NumericArray;
};

/** ONNX Runtime's name of a datatype, and the array its binding wants for it. */
interface ValueType {
  readonly runtimeName: string;
  readonly array: ArrayConstructor | undefined;
}

/** FP16 goes as bit patterns: the binding reads Uint16Array on every Node version, Float16Array on none. */
const VALUE_TYPES: Readonly<Record<Datatype, ValueType>> = {
  BOOL: { runtimeName: 'bool', array: Uint8Array },
  UINT8: { runtimeName: 'uint8', array: Uint8Array },
  UINT16: { runtimeName: 'uint16', array: Uint16Array },
  UINT32: { runtimeName: 'uint32', array: Uint32Array },
  UINT64: { runtimeName: 'uint64', array: BigUint64Array },
  INT8: { runtimeName: 'int8', array: Int8Array },
  INT16: { runtimeName: 'int16', array: Int16Array },
  INT32: { runtimeName: 'int32', array: Int32Array },
  INT64: { runtimeName: 'int64', array: BigInt64Array },
  FP16: { runtimeName: 'float16', array: Uint16Array },
  FP32: { runtimeName: 'float32', array: Float32Array },
  FP64: { runtimeName: 'float64', array: Float64Array },
  BYTES: { runtimeName: 'string', array: undefined },
};

const BY_RUNTIME_NAME = new Map(
  Object.entries(VALUE_TYPES).map(([datatype, { runtimeName }]) => [runtimeName, datatype as Datatype]),
);

/** What the binding reads of a tensor. A plain object, as onnxruntime-common turns FP16 into an array that the binding refuses. */
export interface RuntimeValue {
  readonly type: string;
  readonly data: NumericArray | readonly string[];
  readonly dims: readonly number[];
  readonly location: 'cpu';
}

/** The datatype of ONNX Runtime's type name, undefined where the wire has none (int4, bfloat16, ...). */
export function datatypeOf(runtimeName: string): Datatype | undefined {
  return BY_RUNTIME_NAME.get(runtimeName);
}

/** A checked tensor as the binding takes it: a view on the same bytes where alignment allows. */
export function toRuntimeValue(tensor: Tensor, field: string): RuntimeValue {
  const { runtimeName, array } = VALUE_TYPES[tensor.datatype];
  const data =
    array === undefined
      ? decodeStrings(tensor.data, elementCount(tensor.shape), field)
      : viewBytes(tensor.data, array);
  return { type: runtimeName, data, dims: [...tensor.shape], location: 'cpu' };
}

function viewBytes(bytes: Uint8Array, array: ArrayConstructor): NumericArray {
  const { buffer, byteOffset, byteLength } = bytes;
  const length = byteLength / array.BYTES_PER_ELEMENT;
  // The binding refuses shared memory, and typed arrays refuse odd offsets: those two pay for a copy.
  if (buffer instanceof ArrayBuffer && byteOffset % array.BYTES_PER_ELEMENT === 0) {
    return new array(buffer, byteOffset, length);
  }
  return new array(Uint8Array.from(bytes).buffer, 0, length);
}

/** What ONNX Runtime gave as our tensor, without a copy but for strings. */
export function fromRuntimeValue(
  name: string,
  value: { type: string; data: unknown; dims: readonly number[] },
): Tensor {
  const datatype = datatypeOf(value.type);
  if (datatype === undefined) {
    throw new EdgeError('DATATYPE_UNSUPPORTED', `Cannot give output '${name}' as its type is ${value.type}`);
  }
  const shape = [...value.dims];
  if (Array.isArray(value.data)) {
    return { name, datatype, shape, data: encodeStrings(value.data.map(String)) };
  }
  if (!ArrayBuffer.isView(value.data)) {
    throw new EdgeError('INTERNAL', `Cannot give output '${name}' as ONNX Runtime returned no array`);
  }
  const { buffer, byteOffset, byteLength } = value.data;
  return { name, datatype, shape, data: new Uint8Array(buffer, byteOffset, byteLength) };
}
