import { Type, type Static } from '@sinclair/typebox';
import { validate } from '../../core/mod.js';
import { encodeFrame, type FrameType } from './frame.js';

const text = Type.String();
const integer = Type.Integer({ minimum: 0 });

/** First frame of a segment. */
export const SegmentHeader = Type.Object({
  v: Type.Literal(1),
  bootId: text,
  openedMs: Type.Number(),
  layout: Type.Object({
    prefix: text,
    fleet: text,
    device: text,
    batchSize: Type.Integer({ minimum: 1 }),
    embedLimitBytes: integer,
    referenceBase: text,
  }),
});
export type SegmentHeader = Static<typeof SegmentHeader>;

/** Last frame of a closed segment: from here on nothing about its objects is computed again. */
export const SegmentFooter = Type.Object({
  v: Type.Literal(1),
  header: SegmentHeader,
  records: integer,
  lastSequence: integer,
  closedMs: Type.Number(),
  reference: Type.Optional(Type.Object({ bootId: text, wallMs: Type.Number(), monotonicMs: Type.Number() })),
  objects: Type.Array(
    Type.Object({ key: text, ordinals: Type.Array(integer), captureIds: Type.Array(text) }),
  ),
});
export type SegmentFooter = Static<typeof SegmentFooter>;

export function encodeJsonFrame(type: FrameType, ordinal: number, value: object, nonce: number): Uint8Array {
  return encodeFrame(type, ordinal, Buffer.from(JSON.stringify(value)), nonce);
}

export function decodeHeader(payload: Uint8Array): SegmentHeader | undefined {
  return decoded(() => validate(SegmentHeader, JSON.parse(textOf(payload)), 'Cannot read a segment header'));
}

export function decodeFooter(payload: Uint8Array): SegmentFooter | undefined {
  return decoded(() => validate(SegmentFooter, JSON.parse(textOf(payload)), 'Cannot read a segment footer'));
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
}

/** A frame whose checksum fits but whose text does not is damage like any other. */
export function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
