import { ELEMENT_BYTES, MAX_RANK, MAX_TENSOR_BYTES, type Datatype, type Tensor } from '../contract/mod.js';
import { EdgeError, finish, type Steps } from '../core/mod.js';

const LENGTH_BYTES = 4;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Elements of a shape. Each dimension and the product are bounded before they are multiplied, so that neither
 * 2^62 nor a zero beside it slips through floating point.
 * @throws EdgeError INVALID_ARGUMENT naming `field`
 */
export function elementCount(shape: readonly number[], field = 'shape'): number {
  if (shape.length > MAX_RANK) {
    throw refused(field, `it must have at most ${MAX_RANK} dimensions: current rank is ${shape.length}`);
  }
  let count = 1;
  for (const [index, size] of shape.entries()) {
    if (!Number.isSafeInteger(size) || size < 0 || size > MAX_TENSOR_BYTES) {
      throw refused(
        `${field}[${index}]`,
        `it must be an integer from 0 to ${MAX_TENSOR_BYTES}: current value is ${size}`,
      );
    }
    // Both factors are below 2^31, so the product is exact.
    count *= size;
    if (count > MAX_TENSOR_BYTES) {
      throw refused(field, `its dimensions must multiply to at most ${MAX_TENSOR_BYTES} elements`);
    }
  }
  return count;
}

/** Checks that `tensor.data` is as long as its shape and datatype say; BYTES elements are walked. */
export function checkTensorBytes(tensor: Tensor, field: string): number {
  return finish(tensorBytesChecked(tensor, field));
}

/** As {@link checkTensorBytes}, for those who must not hold up an event loop. */
export function* tensorBytesChecked(tensor: Tensor, field: string): Steps<number> {
  const count = elementCount(tensor.shape, `${field}.shape`);
  if (tensor.datatype === 'BYTES') {
    yield* elementsChecked(tensor.data, count, field);
    return count;
  }
  const wanted = count * ELEMENT_BYTES[tensor.datatype];
  if (tensor.data.byteLength !== wanted) {
    throw refused(
      field,
      `it must hold ${wanted} bytes (${tensor.datatype} of shape [${tensor.shape.join(', ')}]): current size is ${tensor.data.byteLength}`,
    );
  }
  return count;
}

/** The length that a tensor of fixed-size elements must have; undefined for BYTES. */
export function tensorByteSize(
  datatype: Datatype,
  shape: readonly number[],
  field?: string,
): number | undefined {
  const count = elementCount(shape, field);
  return datatype === 'BYTES' ? undefined : count * ELEMENT_BYTES[datatype];
}

/** Elements that are walked between two pauses. */
const STEP_ELEMENTS = 65_536;

function* elementsChecked(data: Uint8Array, count: number, field: string): Steps<void> {
  let offset = 0;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let index = 0; index < count; index++) {
    if (index > 0 && index % STEP_ELEMENTS === 0) yield;
    const end =
      offset + LENGTH_BYTES <= data.byteLength
        ? offset + LENGTH_BYTES + view.getUint32(offset, true)
        : Infinity;
    if (end > data.byteLength) {
      throw refused(field, `element ${index} of ${count} must end within its ${data.byteLength} bytes`);
    }
    offset = end;
  }
  if (offset !== data.byteLength) {
    throw refused(field, `it must end with its last element: ${data.byteLength - offset} bytes are left`);
  }
}

/**
 * The strings of a BYTES tensor. ONNX Runtime's binding takes JavaScript strings only and ends them at the first
 * NUL, so both other bytes than UTF-8 and NUL are refused rather than changed in silence.
 */
export function decodeStrings(data: Uint8Array, count: number, field: string): string[] {
  finish(elementsChecked(data, count, field));
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const strings: string[] = [];
  let offset = 0;
  for (let index = 0; index < count; index++) {
    const length = view.getUint32(offset, true);
    offset += LENGTH_BYTES;
    strings.push(decodeString(data.subarray(offset, offset + length), index, field));
    offset += length;
  }
  return strings;
}

function decodeString(bytes: Uint8Array, index: number, field: string): string {
  if (bytes.includes(0)) throw notText(field, `element ${index} must not hold a NUL`);
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw notText(field, `element ${index} must be UTF-8`, error);
  }
}

function notText(field: string, reason: string, cause?: unknown): EdgeError {
  return new EdgeError('TENSOR_INVALID', `Cannot read the tensor '${field}' as ${reason}`, {
    field,
    cause,
    nextStep:
      'BYTES holds text: give an encoded image or other bytes as UINT8 of shape [n], to a model that takes that, or decode it in the app',
  });
}

/** Strings as the bytes of a BYTES tensor: each with its 4-byte little-endian length before it. */
export function encodeStrings(strings: readonly string[]): Uint8Array {
  const parts = strings.map((text) => encoder.encode(text));
  const data = new Uint8Array(parts.reduce((sum, part) => sum + LENGTH_BYTES + part.byteLength, 0));
  const view = new DataView(data.buffer);
  let offset = 0;
  for (const part of parts) {
    view.setUint32(offset, part.byteLength, true);
    data.set(part, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + part.byteLength;
  }
  return data;
}

function refused(field: string, reason: string): EdgeError {
  return new EdgeError('TENSOR_INVALID', `Cannot read the tensor '${field}' as ${reason}`, { field });
}
