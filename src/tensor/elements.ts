import type { Datatype, Tensor } from '../contract/mod.js';
import { halfToNumber } from './half.js';

export type Elements = ArrayLike<number | bigint>;

/** A tensor's elements; FP16 as numbers, BOOL and BYTES as bytes. */
export function elementsOf({ datatype, data }: Pick<Tensor, 'datatype' | 'data'>): Elements {
  // A copy: typed arrays want aligned offsets, which a part of a message need not have. (A Buffer's slice is none.)
  return READERS[datatype](new Uint8Array(data).buffer);
}

const READERS: Record<Datatype, (buffer: ArrayBuffer) => Elements> = {
  BOOL: (buffer) => new Uint8Array(buffer),
  UINT8: (buffer) => new Uint8Array(buffer),
  UINT16: (buffer) => new Uint16Array(buffer),
  UINT32: (buffer) => new Uint32Array(buffer),
  UINT64: (buffer) => new BigUint64Array(buffer),
  INT8: (buffer) => new Int8Array(buffer),
  INT16: (buffer) => new Int16Array(buffer),
  INT32: (buffer) => new Int32Array(buffer),
  INT64: (buffer) => new BigInt64Array(buffer),
  FP16: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToNumber),
  FP32: (buffer) => new Float32Array(buffer),
  FP64: (buffer) => new Float64Array(buffer),
  BYTES: (buffer) => new Uint8Array(buffer),
};
