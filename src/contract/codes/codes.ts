/**
 * Status codes of every reply: gRPC's canonical names, as Edge Manager used them.
 * A code is never reused for another meaning; docs/errors.md explains each.
 */
export const CODES = [
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'RESOURCE_EXHAUSTED',
  'OUT_OF_RANGE',
  'DEADLINE_EXCEEDED',
  'UNAVAILABLE',
  'PERMISSION_DENIED',
  'UNIMPLEMENTED',
  'INTERNAL',
] as const;

export type Code = (typeof CODES)[number];
