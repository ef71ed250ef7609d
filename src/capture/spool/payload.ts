import { Type } from '@sinclair/typebox';
import { DATATYPES, MAX_RANK, type AuxiliaryData, type Datatype, type Tensor } from '../../contract/mod.js';
import { validate, type Steps } from '../../core/mod.js';
import { sha256Hex } from '../../system/mod.js';
import { checksum } from './checksum.js';
import { PRIORITIES, type Priority } from '../captured/priority.js';
import type { AuxiliaryItem, CaptureRecord, RedactionNote } from '../captured/capture-record.js';

/** What the spool adds to a record; (bootId, sequence) orders records whatever the wall clock did. */
export interface RecordStamp {
  readonly sequence: number;
  readonly bootId: string;
  /** Milliseconds of the boot's monotonic clock when the spool took the record. */
  readonly monotonicMs: number;
}
export type StampedRecord = CaptureRecord & RecordStamp;

const text = Type.String();
const integer = Type.Integer({ minimum: 0 });
const tensorMeta = Type.Object({
  name: text,
  datatype: Type.Unsafe<Datatype>(Type.String({ enum: [...DATATYPES] })),
  shape: Type.Array(integer, { maxItems: MAX_RANK }),
  bytes: integer,
});
const auxiliaryMeta = Type.Object({
  name: text,
  encoding: Type.Unsafe<AuxiliaryData['encoding']>(Type.String({ enum: ['CSV', 'JSON', 'NONE', 'BASE64'] })),
  contentType: Type.Optional(text),
  bytes: integer,
});
const RecordMeta = Type.Object({
  captureId: text,
  model: text,
  modelVersion: text,
  packageDigest: text,
  provider: Type.Optional(text),
  reasons: Type.Array(text),
  priority: Type.Unsafe<Priority>(Type.String({ enum: [...PRIORITIES] })),
  inferenceTimeMs: Type.Number(),
  clockSynchronised: Type.Boolean(),
  sequence: integer,
  bootId: text,
  monotonicMs: Type.Number(),
  inputs: Type.Array(tensorMeta),
  outputs: Type.Array(tensorMeta),
  auxiliaryInputs: Type.Array(auxiliaryMeta),
  auxiliaryOutputs: Type.Array(auxiliaryMeta),
  redactions: Type.Optional(
    Type.Unsafe<RedactionNote[]>(Type.Array(Type.Object({ name: text, mode: text, action: text }))),
  ),
  /** CRC-32 of all bytes after this text, so that a digest of the text covers them. */
  blobCrc32: integer,
});

export interface EncodedRecord {
  /** A record frame's payload. The bytes of items are not copied. */
  readonly parts: readonly Uint8Array[];
  /** SHA-256 of the record's contents, lower-case hex. */
  readonly digest: string;
}

/** A record whose bytes have not been looked at yet. */
export interface OutlinedRecord {
  /** What its payload takes at most. */
  readonly maxBytes: number;
  encode(): Steps<EncodedRecord>;
}

/** Longest form of the one field that is not known before the items' bytes have been read. */
const MAX_CHECKSUM_FIELD = ',"blobCrc32":4294967295';

/** A record frame's payload: u32 length of the JSON text, the text, then the items' bytes one after the other. */
export function outlineRecord(record: CaptureRecord, stamp: RecordStamp): OutlinedRecord {
  const { auxiliaryInputs = [], auxiliaryOutputs = [] } = record;
  const blobs = [...record.inputs, ...record.outputs, ...auxiliaryInputs, ...auxiliaryOutputs].map(
    ({ data }) => data,
  );
  const described = JSON.stringify(describeRecord(record, stamp)).slice(0, -1);
  const textBytes = Buffer.byteLength(described) + MAX_CHECKSUM_FIELD.length + 1;
  return {
    maxBytes: blobs.reduce((sum, { byteLength }) => sum + byteLength, 4 + textBytes),
    *encode() {
      const meta = Buffer.from(`${described},"blobCrc32":${yield* checksum(blobs)}}`);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(meta.byteLength);
      return { parts: [length, meta, ...blobs], digest: sha256Hex(meta) };
    },
  };
}

function describeRecord(record: CaptureRecord, stamp: RecordStamp): object {
  return {
    captureId: record.captureId,
    model: record.model,
    modelVersion: record.modelVersion,
    packageDigest: record.packageDigest,
    ...(record.provider === undefined ? {} : { provider: record.provider }),
    reasons: record.reasons,
    priority: record.priority,
    inferenceTimeMs: record.inferenceTimeMs,
    clockSynchronised: record.clockSynchronised,
    sequence: stamp.sequence,
    bootId: stamp.bootId,
    monotonicMs: stamp.monotonicMs,
    inputs: record.inputs.map(describeTensor),
    outputs: record.outputs.map(describeTensor),
    auxiliaryInputs: (record.auxiliaryInputs ?? []).map(describeAuxiliary),
    auxiliaryOutputs: (record.auxiliaryOutputs ?? []).map(describeAuxiliary),
    ...(record.redactions === undefined ? {} : { redactions: record.redactions }),
  };
}

/** @throws INVALID_ARGUMENT where the payload was not written by {@link outlineRecord} */
export function decodeRecord(payload: Uint8Array): { record: StampedRecord; digest: string } {
  const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const blobStart = 4 + buffer.readUInt32LE(0);
  const text = buffer.subarray(4, blobStart);
  const meta = validate(RecordMeta, JSON.parse(text.toString()), 'Cannot read a captured record');
  let offset = blobStart;
  const take = <Item extends { readonly bytes: number }>({
    bytes,
    ...item
  }: Item): Omit<Item, 'bytes'> & { data: Uint8Array } => {
    const data = buffer.subarray(offset, offset + bytes);
    offset += bytes;
    return { ...item, data };
  };
  const { blobCrc32: _, inputs, outputs, auxiliaryInputs, auxiliaryOutputs, ...rest } = meta;
  const record: StampedRecord = {
    ...rest,
    inputs: inputs.map(take),
    outputs: outputs.map(take),
    ...(auxiliaryInputs.length === 0 ? {} : { auxiliaryInputs: auxiliaryInputs.map(take) }),
    ...(auxiliaryOutputs.length === 0 ? {} : { auxiliaryOutputs: auxiliaryOutputs.map(take) }),
  };
  return { record, digest: sha256Hex(text) };
}

function describeTensor({ name, datatype, shape, data }: Tensor): object {
  return { name, datatype, shape, bytes: data.byteLength };
}

function describeAuxiliary({ name, encoding, contentType, data }: AuxiliaryItem): object {
  return { name, encoding, ...(contentType === undefined ? {} : { contentType }), bytes: data.byteLength };
}
