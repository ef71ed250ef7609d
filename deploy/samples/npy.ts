import type { Datatype, Tensor } from '../../src/contract/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { checkTensorBytes, elementCount, encodeStrings } from '../../src/tensor/mod.js';
import { refused } from './refused.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** NumPy's little-endian type codes; `|` marks types of one byte. Texts have one for each length. */
export const NUMPY_TYPES: Readonly<Record<Exclude<Datatype, 'BYTES'>, string>> = {
  BOOL: '|b1',
  UINT8: '|u1',
  UINT16: '<u2',
  UINT32: '<u4',
  UINT64: '<u8',
  INT8: '|i1',
  INT16: '<i2',
  INT32: '<i4',
  INT64: '<i8',
  FP16: '<f2',
  FP32: '<f4',
  FP64: '<f8',
};
const DATATYPES: ReadonlyMap<string, Datatype> = new Map(
  Object.entries(NUMPY_TYPES).map(([datatype, code]) => [code, datatype as Datatype]),
);
/** Texts of so many characters each: UTF-32 or bytes, filled up with NUL. */
const TEXTS = /^(<U|\|S)(\d+)$/;
const CHARACTER_BYTES = 4;

interface Header {
  readonly descr: string;
  readonly shape: readonly number[];
  readonly data: Buffer;
}

/**
 * A tensor from the bytes of a NumPy file (format 1 to 3, little-endian, C order): numbers, truth values and texts.
 * @throws EdgeError INVALID_ARGUMENT saying what is not supported and how to save it instead
 */
export function parseNpy({ name, datatype: wanted }: TensorSpec, bytes: Uint8Array, field: string): Tensor {
  const { descr, shape, data } = readHeader(bytes, field);
  const text = TEXTS.exec(descr);
  const datatype = text === null ? DATATYPES.get(descr) : 'BYTES';
  if (datatype === undefined) throw unknownType(descr, field);
  if (datatype !== wanted) {
    const code = wanted === 'BYTES' ? 'U' : NUMPY_TYPES[wanted];
    throw refused(
      `'${field}' must be ${wanted}: the NumPy file holds ${datatype}`,
      field,
      `Save it with x.astype('${code}')`,
    );
  }
  const content =
    text === null
      ? new Uint8Array(data)
      : textsOf(data, elementCount(shape, field), text[1] === '<U', Number(text[2]), field);
  const tensor = { name, datatype, shape, data: content };
  checkTensorBytes(tensor, field);
  return tensor;
}

function readHeader(bytes: Uint8Array, field: string): Header {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, 6).equals(MAGIC)) {
    throw refused(`'${field}' is not a NumPy file`, field, 'Save it with numpy.save');
  }
  const isLong = (buffer[6] ?? 1) > 1;
  const start = isLong ? 12 : 10;
  if (buffer.length < start) throw refused(`'${field}' is cut off`, field);
  const end = start + (isLong ? buffer.readUInt32LE(8) : buffer.readUInt16LE(8));
  if (buffer.length < end) throw refused(`'${field}' is cut off`, field);
  const header = buffer.toString('latin1', start, end);
  if (/'fortran_order':\s*True/.test(header)) {
    throw refused(`'${field}' must be in C order`, field, 'Save numpy.ascontiguousarray(x)');
  }
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  return { descr: /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '', shape, data: buffer.subarray(end) };
}

function unknownType(descr: string, field: string): Error {
  const nextStep =
    descr === '|O'
      ? "These are pickled Python objects: save texts with x.astype('U')"
      : 'Save it with x.astype of one of these types';
  const known = [...DATATYPES.keys(), '<U…', '|S…'].join(', ');
  return refused(
    `the type of '${field}' must be one of ${known}: current value is ${descr}`,
    field,
    nextStep,
  );
}

function textsOf(data: Buffer, count: number, isUtf32: boolean, length: number, field: string): Uint8Array {
  const width = length * (isUtf32 ? CHARACTER_BYTES : 1);
  if (data.length !== count * width) {
    throw refused(`'${field}' must hold ${count * width} bytes: it holds ${data.length}`, field);
  }
  return encodeStrings(
    Array.from({ length: count }, (_, index) => {
      const part = data.subarray(index * width, (index + 1) * width);
      return (isUtf32 ? utf32(part) : part.toString('utf8')).replace(/\0+$/, '');
    }),
  );
}

function utf32(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHARACTER_BYTES)
    text += String.fromCodePoint(bytes.readUInt32LE(at));
  return text;
}
