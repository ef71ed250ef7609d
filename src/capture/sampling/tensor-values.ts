import { ELEMENT_BYTES, type Datatype, type Tensor } from '../../contract/mod.js';
import { halfToNumber } from '../../tensor/mod.js';

/** Numbers of a tensor without a copy of its bytes. 64-bit integers lose precision beyond 2^53. */
export interface TensorValues {
  readonly length: number;
  at(index: number): number;
}

const FLOATS: ReadonlySet<Datatype> = new Set<Datatype>(['FP16', 'FP32', 'FP64']);

export function isFloat(datatype: Datatype): boolean {
  return FLOATS.has(datatype);
}

export function isInteger(datatype: Datatype): boolean {
  return !isFloat(datatype) && datatype !== 'BYTES' && datatype !== 'BOOL';
}

/** @returns undefined for BYTES, whose elements are no numbers, and where the bytes do not fill whole elements */
export function tensorValues(tensor: Pick<Tensor, 'datatype' | 'data'>): TensorValues | undefined {
  const width = ELEMENT_BYTES[tensor.datatype];
  const { data } = tensor;
  if (width === 0 || data.byteLength % width !== 0) return undefined;
  const length = data.byteLength / width;
  if (tensor.datatype === 'FP32' && data.byteOffset % 4 === 0) {
    const floats = new Float32Array(data.buffer, data.byteOffset, length);
    return { length, at: (index) => floats[index] ?? Number.NaN };
  }
  const read = reader(tensor.datatype, new DataView(data.buffer, data.byteOffset, data.byteLength));
  return { length, at: (index) => read(index * width) };
}

function reader(datatype: Datatype, view: DataView): (offset: number) => number {
  switch (datatype) {
    case 'BOOL':
    case 'UINT8':
      return (offset) => view.getUint8(offset);
    case 'INT8':
      return (offset) => view.getInt8(offset);
    case 'UINT16':
      return (offset) => view.getUint16(offset, true);
    case 'INT16':
      return (offset) => view.getInt16(offset, true);
    case 'UINT32':
      return (offset) => view.getUint32(offset, true);
    case 'INT32':
      return (offset) => view.getInt32(offset, true);
    case 'UINT64':
      return (offset) => Number(view.getBigUint64(offset, true));
    case 'INT64':
      return (offset) => Number(view.getBigInt64(offset, true));
    case 'FP16':
      return (offset) => halfToNumber(view.getUint16(offset, true));
    case 'FP32':
      return (offset) => view.getFloat32(offset, true);
    case 'FP64':
      return (offset) => view.getFloat64(offset, true);
    case 'BYTES':
      return () => Number.NaN;
  }
}
