import type { Datatype } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';
import { numberToHalf } from './half.js';
import { encodeStrings } from './tensor-bytes.js';

/** One element as JSON and YAML have it: INT64 and UINT64 as decimal strings where they are above 2^53. */
export type Value = number | string | boolean;

/**
 * Values as a tensor's bytes: the one reader of numbers for the wire, samples and the command line. Nothing wraps,
 * is cut or rounds to an infinity: what does not fit is refused.
 * @throws EdgeError INVALID_ARGUMENT (TENSOR_INVALID) naming the element
 */
export function bytesOfValues(
  datatype: Datatype,
  values: readonly Value[],
  count: number,
  field: string,
): Uint8Array {
  if (values.length !== count) {
    throw new EdgeError(
      'TENSOR_INVALID',
      `Cannot read the tensor '${field}' as it must hold ${count} elements: current number is ${values.length}`,
      { field, nextStep: 'Give as many values as the shape holds' },
    );
  }
  return bytesOf(datatype, count, (index) => values[index] ?? 0, field);
}

/** As {@link bytesOfValues}, of values that are made one by one. */
export function bytesOf(
  datatype: Datatype,
  count: number,
  valueAt: (index: number) => Value,
  field: string,
): Uint8Array {
  if (datatype === 'BYTES') {
    return encodeStrings(Array.from({ length: count }, (_, index) => textOf(valueAt(index), index, field)));
  }
  const { width, write } = WRITERS[datatype];
  const view = new DataView(new ArrayBuffer(count * width));
  for (let index = 0; index < count; index++) {
    const value = valueAt(index);
    const wanted = write(view, index * width, value);
    if (wanted !== undefined) throw unfit(field, index, wanted, value);
  }
  return new Uint8Array(view.buffer);
}

/**
 * What a text stands for, in a cell of a table or on a command line: the text itself for BYTES and 64-bit integers,
 * else the number or truth value that it writes out. What is neither stays text, which {@link bytesOfValues} refuses.
 */
export function valueOfText(datatype: Datatype, text: string): Value {
  const trimmed = text.trim();
  if (datatype === 'BYTES') return text;
  if (datatype === 'INT64' || datatype === 'UINT64') return trimmed;
  if (datatype === 'BOOL' && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
  if (/^nan$/i.test(trimmed)) return Number.NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
}

function textOf(value: Value, index: number, field: string): string {
  if (typeof value !== 'string') throw unfit(field, index, 'a string', value);
  return value;
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

/** Numbers that would round to an infinity are refused: nobody meant one. NaN stands for a missing number. */
function float(width: number, largest: number, set: Set<number>): Writer {
  return {
    width,
    write: (view, offset, value) => {
      if (typeof value !== 'number' || Math.abs(value) > largest) return `a number of at most ${largest}`;
      set(view, offset, value);
      return undefined;
    },
  };
}

function unfit(field: string, index: number, wanted: string, value: Value): EdgeError {
  const at = `${field}[${index}]`;
  return new EdgeError(
    'TENSOR_INVALID',
    `Cannot read the tensor as '${at}' must be ${wanted}: current value is ${shownValue(value)}`,
    {
      field: at,
      nextStep: 'Write a value of that type: docs/models.md lists them',
    },
  );
}

/** JSON has no NaN. */
function shownValue(value: Value): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value).slice(0, 80);
}
