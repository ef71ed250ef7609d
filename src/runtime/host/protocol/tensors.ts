import { MAX_RANK, MAX_TENSORS, MAX_TENSOR_BYTES, type Datatype } from '../../../contract/mod.js';
import { aligned } from '../../../framing/mod.js';
import type { HostTensor } from '../port/mod.js';
import { unreadable, type FieldReader, type FieldWriter } from './fields.js';

/** By code, from 1. */
const DATATYPES: readonly Datatype[] = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
];
const CODES = new Map(DATATYPES.map((datatype, index) => [datatype, index + 1]));

/** Where a tensor's bytes are. */
const PLACE = { payload: 0, exchange: 1 } as const;

/**
 * Writes what tensors say of themselves.
 * @returns the bytes of those that go inline, as the payload's parts
 */
export function writeTensors(fields: FieldWriter, tensors: readonly HostTensor[]): Uint8Array[] {
  fields.u16(tensors.length);
  const parts: Uint8Array[] = [];
  for (const tensor of tensors) {
    const { name, datatype, shape } = tensor;
    fields
      .string(name)
      .u8(CODES.get(datatype) ?? 0)
      .u8(shape.length)
      .u8('file' in tensor ? PLACE.exchange : PLACE.payload);
    for (const size of shape) fields.u64(size);
    if ('file' in tensor) {
      fields.u64(tensor.file.byteSize).string(tensor.file.name).u64(tensor.file.offset);
    } else {
      fields.u64(tensor.data.byteLength);
      parts.push(tensor.data);
    }
  }
  return parts;
}

/** The tensors, those inline as views of the payload, and no byte of it left. */
export function readTensors(fields: FieldReader, payload: Uint8Array): HostTensor[] {
  const count = fields.u16();
  if (count > MAX_TENSORS) throw unreadable(`it must hold at most ${MAX_TENSORS} tensors`, count);
  const parts = new PayloadParts(payload);
  const tensors = Array.from({ length: count }, () => readTensor(fields, parts));
  parts.end();
  return tensors;
}

function readTensor(fields: FieldReader, parts: PayloadParts): HostTensor {
  const name = fields.string();
  const datatype = datatypeOf(fields.u8());
  const rank = fields.u8();
  if (rank > MAX_RANK) throw unreadable(`a tensor must have at most ${MAX_RANK} dimensions`, rank);
  const place = fields.u8();
  const shape = Array.from({ length: rank }, () => fields.u64());
  const byteSize = fields.u64();
  if (byteSize > MAX_TENSOR_BYTES)
    throw unreadable(`a tensor must have at most ${MAX_TENSOR_BYTES} bytes`, byteSize);
  switch (place) {
    case PLACE.payload:
      return { name, datatype, shape, data: parts.next(byteSize) };
    case PLACE.exchange:
      return { name, datatype, shape, file: { name: fields.string(), offset: fields.u64(), byteSize } };
    default:
      throw unreadable("a tensor's place must be 0 or 1", place);
  }
}

function datatypeOf(code: number): Datatype {
  const datatype = DATATYPES[code - 1];
  if (datatype === undefined) throw unreadable(`a datatype must be from 1 to ${DATATYPES.length}`, code);
  return datatype;
}

/** A payload, part by part. */
export class PayloadParts {
  readonly #payload: Uint8Array;
  #at = 0;

  constructor(payload: Uint8Array) {
    this.#payload = payload;
  }

  next(byteSize: number): Uint8Array {
    const begin = this.#at;
    this.#at += aligned(byteSize);
    if (this.#at > this.#payload.length)
      throw unreadable(`its payload must hold ${this.#at} bytes`, this.#payload.length);
    return this.#payload.subarray(begin, begin + byteSize);
  }

  end(): void {
    const left = this.#payload.length - this.#at;
    if (left !== 0) throw unreadable('its payload must end with its last part', `${left} bytes more`);
  }
}
