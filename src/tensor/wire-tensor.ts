import { MAX_TENSORS, type Datatype, type Tensor, type WireTensor } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';
import { numberToHalf } from './half.js';
import { checkTensorBytes, elementCount, encodeStrings } from './tensor-bytes.js';

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
 * A tensor that came inline (`b64` or `data`) as raw bytes, checked against its shape.
 * @throws EdgeError INVALID_ARGUMENT naming the field
 */
export function fromInlineTensor(wire: WireTensor, field: string): Tensor {
  checkOneSource(wire, field);
  const { name, datatype, shape } = wire;
  const count = elementCount(shape, `${field}.shape`);
  const data =
    wire.b64 === undefined
      ? bytesOfValues(datatype, wire.data ?? [], count, `${field}.data`)
      : decodeBase64(wire.b64, `${field}.b64`);
  const tensor = { name, datatype, shape: [...shape], data };
  checkTensorBytes(tensor, field);
  return tensor;
}

/** A tensor as it goes inline. */
export function toInlineTensor({ name, datatype, shape, data }: Tensor): WireTensor {
  const b64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return { name, datatype, shape: [...shape], b64 };
}

/** Exactly one of `b64`, `data` and `file` may say where the bytes are. */
export function checkOneSource(wire: WireTensor, field: string): void {
  const sources = [wire.b64, wire.data, wire.file].filter((source) => source !== undefined).length;
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
  return Buffer.from(text, 'base64');
}

type Value = number | string | boolean;

function bytesOfValues(
  datatype: Datatype,
  values: readonly Value[],
  count: number,
  field: string,
): Uint8Array {
  if (values.length !== count) {
    throw refused(field, `it must hold ${count} elements: current number is ${values.length}`);
  }
  if (datatype === 'BYTES') {
    return encodeStrings(
      values.map((value, index) => {
        if (typeof value !== 'string') throw unfit(field, index, 'a string', value);
        return value;
      }),
    );
  }
  const { width, write } = WRITERS[datatype];
  const view = new DataView(new ArrayBuffer(count * width));
  for (const [index, value] of values.entries()) {
    const wanted = write(view, index * width, value);
    if (wanted !== undefined) throw unfit(field, index, wanted, value);
  }
  return new Uint8Array(view.buffer);
}

/** Writes one value; gives what would have been right where it is not. */
interface Writer {
  readonly width: number;
  readonly write: (view: DataView, offset: number, value: Value) => string | undefined;
}

const WRITERS: Readonly<Record<Exclude<Datatype, 'BYTES'>, Writer>> = {
  BOOL: {
    width: 1,
    write: (view, offset, value) => {
      if (typeof value !== 'boolean' && value !== 0 && value !== 1) return 'true or false';
      view.setUint8(offset, Number(value));
      return undefined;
    },
  },
  UINT8: integer(1, 0, 0xff, (view, offset, value) => view.setUint8(offset, value)),
  UINT16: integer(2, 0, 0xffff, (view, offset, value) => view.setUint16(offset, value, true)),
  UINT32: integer(4, 0, 0xffffffff, (view, offset, value) => view.setUint32(offset, value, true)),
  INT8: integer(1, -0x80, 0x7f, (view, offset, value) => view.setInt8(offset, value)),
  INT16: integer(2, -0x8000, 0x7fff, (view, offset, value) => view.setInt16(offset, value, true)),
  INT32: integer(4, -0x80000000, 0x7fffffff, (view, offset, value) => view.setInt32(offset, value, true)),
  INT64: wideInteger(-(2n ** 63n), 2n ** 63n - 1n, (view, offset, value) =>
    view.setBigInt64(offset, value, true),
  ),
  UINT64: wideInteger(0n, 2n ** 64n - 1n, (view, offset, value) => view.setBigUint64(offset, value, true)),
  FP16: float(2, 65519.99, (view, offset, value) => view.setUint16(offset, numberToHalf(value), true)),
  FP32: float(4, 3.4028235677973366e38, (view, offset, value) => view.setFloat32(offset, value, true)),
  FP64: float(8, Number.MAX_VALUE, (view, offset, value) => view.setFloat64(offset, value, true)),
};

type Set<T> = (view: DataView, offset: number, value: T) => void;

function integer(width: number, min: number, max: number, set: Set<number>): Writer {
  const wanted = `an integer from ${min} to ${max}`;
  return {
    width,
    write: (view, offset, value) => {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) return wanted;
      set(view, offset, value);
      return undefined;
    },
  };
}

/** As decimal strings, since a JSON number above 2^53 is no longer the number that was written. */
function wideInteger(min: bigint, max: bigint, set: Set<bigint>): Writer {
  const wanted = `a decimal string from ${min} to ${max}`;
  return {
    width: 8,
    write: (view, offset, value) => {
      const exact =
        typeof value === 'number' ? Number.isSafeInteger(value) : /^-?\d{1,20}$/.test(String(value));
      if (!exact) return wanted;
      const whole = BigInt(value);
      if (whole < min || whole > max) return wanted;
      set(view, offset, whole);
      return undefined;
    },
  };
}

/** Numbers that would round to an infinity are refused: nobody meant one. */
function float(width: number, largest: number, set: Set<number>): Writer {
  return {
    width,
    write: (view, offset, value) => {
      if (typeof value !== 'number' || !(Math.abs(value) <= largest)) {
        return `a number of at most ${largest}`;
      }
      set(view, offset, value);
      return undefined;
    },
  };
}

function unfit(field: string, index: number, wanted: string, value: Value): EdgeError {
  const at = `${field}[${index}]`;
  const shown = JSON.stringify(value).slice(0, 80);
  return new EdgeError(
    'TENSOR_INVALID',
    `Cannot read the tensor as '${at}' must be ${wanted}: current value is ${shown}`,
    {
      field: at,
    },
  );
}

function refused(field: string, reason: string): EdgeError {
  return new EdgeError('TENSOR_INVALID', `Cannot read the tensor '${field}' as ${reason}`, { field });
}
