import type { Tensor } from '../../../contract/mod.js';

/** Whether any floating-point value of the tensors is NaN or an infinity. */
export function hasNonFinite(tensors: readonly Tensor[]): boolean {
  return tensors.some(({ datatype, data }) => {
    switch (datatype) {
      case 'FP32':
        return floatsNonFinite(aligned(data, 4, Float32Array));
      case 'FP64':
        return floatsNonFinite(aligned(data, 8, Float64Array));
      case 'FP16':
        return aligned(data, 2, Uint16Array).some((bits) => (bits & 0x7c00) === 0x7c00);
      default:
        return false;
    }
  });
}

/** Zero times a finite number is zero, else NaN: one multiplication an element, and no branch in the loop. */
function floatsNonFinite(values: Float32Array | Float64Array): boolean {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += (values[index] ?? 0) * 0;
  return Number.isNaN(sum);
}

function aligned<T>(
  data: Uint8Array,
  width: number,
  view: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
): T {
  const bytes = data.byteOffset % width === 0 ? data : Uint8Array.from(data);
  return new view(bytes.buffer, bytes.byteOffset, bytes.byteLength / width);
}
