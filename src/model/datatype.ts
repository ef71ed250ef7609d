/** Element types by their Open Inference Protocol v2 names, with the bytes that one element takes; BYTES varies. */
export const DATATYPE_SIZES = {
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
  BYTES: undefined,
} as const;

export type Datatype = keyof typeof DATATYPE_SIZES;
export const DATATYPES = Object.keys(DATATYPE_SIZES) as readonly Datatype[];

export function isDatatype(value: string): value is Datatype {
  return Object.hasOwn(DATATYPE_SIZES, value);
}
