import { Type, type Static } from '@sinclair/typebox';
import { FileRegion } from './tensor.js';

export const CaptureStats = Type.Object({
  issued: Type.Integer(),
  acked: Type.Integer(),
  delivered: Type.Integer(),
  queuedRecords: Type.Integer(),
  queueBytes: Type.Integer(),
  oldestAgeMs: Type.Integer(),
  lastSuccessMs: Type.Optional(Type.Number()),
  drops: Type.Record(Type.String(), Type.Integer()),
  quarantinedBytes: Type.Integer(),
  mode: Type.Union([Type.Literal('durable'), Type.Literal('interval')]),
});
export type CaptureStats = Static<typeof CaptureStats>;

/** An auxiliary input or output of CaptureData, as Edge Manager allowed beside tensors. */
export const AuxiliaryData = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 256 }),
  encoding: Type.Union(['CSV', 'JSON', 'NONE', 'BASE64'].map((encoding) => Type.Literal(encoding))),
  b64: Type.Optional(Type.String()),
  file: Type.Optional(FileRegion),
  contentType: Type.Optional(Type.String({ maxLength: 128 })),
});
export interface AuxiliaryData {
  name: string;
  encoding: 'CSV' | 'JSON' | 'NONE' | 'BASE64';
  b64?: string;
  file?: FileRegion;
  /** As a tensor's. */
  bytes?: Uint8Array;
  contentType?: string;
}

export type CaptureState = 'PENDING' | 'SPOOLED' | 'UPLOADED' | 'DROPPED' | 'QUARANTINED' | 'UNKNOWN';
export type CaptureStatusValue = 'FAILURE' | 'SUCCESS' | 'IN_PROGRESS' | 'NOT_FOUND';
