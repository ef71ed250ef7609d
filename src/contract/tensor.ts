import { Type, type Static } from '@sinclair/typebox';

/** Open Inference Protocol v2 datatypes that onnxruntime-node takes, with the bytes of one element (BYTES: variable). */
export const ELEMENT_BYTES = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
} as const;
export type Datatype = keyof typeof ELEMENT_BYTES;
export const DATATYPES = Object.keys(ELEMENT_BYTES) as readonly Datatype[];

/** Far beyond what operators of ONNX are used with. */
export const MAX_RANK = 16;
/** Inputs or outputs of one model: a decoder with a cache of 60 layers has 122 of each. */
export const MAX_TENSORS = 256;
export const MAX_TENSOR_NAME_CHARS = 256;
/** A dimension's name; exporters write formulas of any length there, and one beyond this counts as no name. */
export const MAX_SYMBOL_CHARS = 256;
/** Tensors above this need a file or are refused; also the cap on one tensor file region. */
export const MAX_TENSOR_BYTES = 1024 * 1024 * 1024;

/** Tensors of up to so many raw bytes in sum go inline: base64 and names leave room in a message of 7,000 bytes. */
export const INLINE_MAX_BYTES = 4400;

const datatype = Type.Unsafe<Datatype>({ type: 'string', enum: DATATYPES });
const name = Type.String({ minLength: 1, maxLength: MAX_TENSOR_NAME_CHARS });

/** What a model wants or gives: -1 or a symbol's name stands for a dimension known only at run time. */
export const TensorMetadata = Type.Object({
  name,
  datatype,
  shape: Type.Array(
    Type.Union([Type.Integer({ minimum: -1 }), Type.String({ maxLength: MAX_SYMBOL_CHARS })]),
  ),
});
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly (number | string)[];
}

/** A region of a file in the caller's exchange folder. */
export const FileRegion = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' }),
  offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  byteSize: Type.Integer({ minimum: 0, maximum: MAX_TENSOR_BYTES }),
});
export type FileRegion = Static<typeof FileRegion>;

/**
 * A tensor on the wire. Exactly one of: `b64` (little-endian raw bytes, row-major; BYTES elements each with a
 * 4-byte little-endian length before them), `data` (JSON numbers, booleans or strings; INT64 and UINT64 as
 * decimal strings), `file` (raw bytes as in b64).
 */
export const WireTensor = Type.Object({
  name,
  datatype,
  shape: Type.Array(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), { maxItems: MAX_RANK }),
  b64: Type.Optional(Type.String()),
  data: Type.Optional(Type.Array(Type.Union([Type.Number(), Type.String(), Type.Boolean()]))),
  file: Type.Optional(FileRegion),
});
export interface WireTensor {
  name: string;
  datatype: Datatype;
  shape: number[];
  b64?: string;
  data?: (number | string | boolean)[];
  file?: FileRegion;
  /** The raw bytes themselves, within a process and between ours: JSON can't hold them, so that nobody sends them. */
  bytes?: Uint8Array;
}

/**
 * A tensor in memory: `data` holds the raw little-endian bytes as `b64` would.
 * Length = product(shape) * ELEMENT_BYTES, but for BYTES (length-prefixed elements).
 */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}
