import type { Datatype, Tensor } from '../../src/contract/mod.js';
import { checkTensorBytes } from '../../src/tensor/mod.js';
import { EdgeError } from '../../src/core/mod.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** NumPy's little-endian type codes; `|` marks types of one byte. */
const DATATYPES: Readonly<Record<string, Datatype>> = {
  '|b1': 'BOOL',
  '|u1': 'UINT8',
  '<u2': 'UINT16',
  '<u4': 'UINT32',
  '<u8': 'UINT64',
  '|i1': 'INT8',
  '<i2': 'INT16',
  '<i4': 'INT32',
  '<i8': 'INT64',
  '<f2': 'FP16',
  '<f4': 'FP32',
  '<f8': 'FP64',
};

/**
 * A tensor from the bytes of a NumPy file (format 1 to 3, little-endian, C order).
 * @throws EdgeError INVALID_ARGUMENT saying what is not supported
 */
export function parseNpy(name: string, bytes: Uint8Array): Tensor {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, 6).equals(MAGIC)) fail(name, 'it is not a NumPy file');
  const long = (buffer[6] ?? 1) > 1;
  if (buffer.length < (long ? 12 : 10)) fail(name, 'it is cut off');
  const headerStart = long ? 12 : 10;
  const headerLength = long ? buffer.readUInt32LE(8) : buffer.readUInt16LE(8);
  const header = buffer.toString('latin1', headerStart, headerStart + headerLength);
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const datatype = DATATYPES[descr];
  if (datatype === undefined)
    fail(name, `its type must be one of ${Object.keys(DATATYPES).join(', ')}: current value is ${descr}`);
  if (/'fortran_order':\s*True/.test(header)) fail(name, 'it must be in C order');
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  const tensor = { name, datatype, shape, data: new Uint8Array(buffer.subarray(headerStart + headerLength)) };
  checkTensorBytes(tensor, name);
  return tensor;
}

function fail(name: string, reason: string): never {
  throw new EdgeError('SAMPLES_INVALID', `Cannot read the sample '${name}' as ${reason}`, { field: name });
}
