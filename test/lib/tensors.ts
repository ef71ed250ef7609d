import type { Datatype, Tensor } from '../../src/contract/mod.js';
import { encodeStrings } from '../../src/tensor/mod.js';

/** A tensor over the bytes of a typed array. */
export function tensorOf(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  values: ArrayBufferView,
): Tensor {
  return {
    name,
    datatype,
    shape,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

export function floats(
  name: string,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): Tensor {
  return tensorOf(name, 'FP32', shape, Float32Array.from(values));
}

export function int64s(
  name: string,
  values: readonly bigint[],
  shape: readonly number[] = [values.length],
): Tensor {
  return tensorOf(name, 'INT64', shape, BigInt64Array.from(values));
}

export function strings(
  name: string,
  values: readonly string[],
  shape: readonly number[] = [values.length],
): Tensor {
  return { name, datatype: 'BYTES', shape, data: encodeStrings(values) };
}

/** The values of an FP32 tensor. */
export function floatsOf(tensor: Tensor | undefined): number[] {
  if (tensor === undefined) throw new Error('The tensor is missing');
  return [...new Float32Array(Uint8Array.from(tensor.data).buffer)];
}
