import { MAX_TENSORS, type Tensor, type WireTensor } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';
import { checkTensorBytes, elementCount } from './tensor-bytes.js';
import { bytesOfValues } from './value-bytes.js';

/** What one message takes: more tensors are refused before any is looked at. */
export function checkTensorCount(tensors: readonly WireTensor[], field: string): void {
  if (tensors.length > MAX_TENSORS) {
    throw new EdgeError(
      'TENSOR_INVALID',
      `Cannot read '${field}' as it must hold at most ${MAX_TENSORS} tensors: current number is ${tensors.length}`,
      { field },
    );
  }
}

/**
 * A tensor that came inline (`bytes`, `b64` or `data`) as raw bytes, checked against its shape.
 * @throws EdgeError INVALID_ARGUMENT naming the field
 */
export function fromInlineTensor(wire: WireTensor, field: string): Tensor {
  checkOneSource(wire, field);
  const { name, datatype, shape } = wire;
  const count = elementCount(shape, `${field}.shape`);
  const data = inlineBytes(wire, count, field);
  const tensor = { name, datatype, shape: [...shape], data };
  checkTensorBytes(tensor, field);
  return tensor;
}

/** In memory of its own: where bytes lie in a shared pool or a frame decides how ONNX Runtime's sums round. */
function inlineBytes(wire: WireTensor, count: number, field: string): Uint8Array {
  const raw = rawBytesOf(wire);
  if (raw !== undefined) return new Uint8Array(raw);
  if (wire.b64 !== undefined) return decodeBase64(wire.b64, `${field}.b64`);
  return bytesOfValues(wire.datatype, wire.data ?? [], count, `${field}.data`);
}

/** A part's bytes where they are at hand. What a caller's JSON has under that name is ignored as any unknown field. */
export function rawBytesOf({ bytes }: { readonly bytes?: unknown }): Uint8Array | undefined {
  return bytes instanceof Uint8Array ? bytes : undefined;
}

/** A tensor as it goes inline. */
export function toInlineTensor({ name, datatype, shape, data }: Tensor): WireTensor {
  const b64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return { name, datatype, shape: [...shape], b64 };
}

/** Exactly one of `bytes`, `b64`, `data` and `file` may say where the bytes are. */
export function checkOneSource(wire: WireTensor, field: string): void {
  const given = [rawBytesOf(wire), wire.b64, wire.data, wire.file];
  const sources = given.filter((source) => source !== undefined).length;
  if (sources === 1) return;
  throw new EdgeError(
    'TENSOR_INVALID',
    `Cannot read the tensor '${field}' as exactly one of b64, data and file must be given: current number is ${sources}`,
    { field },
  );
}

function decodeBase64(text: string, field: string): Uint8Array {
  // Buffer skips what is no base64; damage must not turn into other numbers.
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw refused(field, 'it must be base64 with padding');
  }
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function refused(field: string, reason: string): EdgeError {
  return new EdgeError('TENSOR_INVALID', `Cannot read the tensor '${field}' as ${reason}`, { field });
}
