import { finish, type Steps } from '../../core/mod.js';
import { crc32 } from '../../system/mod.js';
import { checksum } from './checksum.js';

/**
 * The frames of a segment, little-endian:
 *
 *   0  magic      u32  'EMF1'
 *   4  type       u8   1 header, 2 record, 3 footer
 *   5  version    u8   1
 *   6  reserved   u16  0
 *   8  ordinal    u32  0 header, 1..n records, n + 1 footer
 *   12 length     u32  bytes of the payload
 *   16 headerCrc  u32  CRC-32 of bytes 0..16, started from the segment's nonce
 *   20 payload
 *   .. payloadCrc u32  CRC-32 of the payload, started from headerCrc
 *
 * The header has a checksum of its own, so that a damaged payload still tells where the next frame starts: one
 * damaged frame loses one record. After a damaged header the reader looks for the next magic. The nonce
 * stands in the segment's name only, so bytes inside a payload (captured data is anybody's) never pass for a frame.
 */
const FRAME_HEADER_BYTES = 20;
export const FRAME_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 4;
const MAGIC = 0x31464d45;
const MAGIC_BYTES = Buffer.from('EMF1', 'latin1');
const VERSION = 1;

export const FRAME_TYPES = { header: 1, record: 2, footer: 3 } as const;
export type FrameType = keyof typeof FRAME_TYPES;

export interface Frame {
  readonly type: FrameType;
  readonly ordinal: number;
  /** Where the frame starts and ends in its segment. */
  readonly offset: number;
  readonly end: number;
  readonly payload: Uint8Array;
}

/** Bytes that are no whole frame. */
export interface Damage {
  readonly offset: number;
  readonly end: number;
}

/** A frame in parts: the payload's own lie where they lay. Pauses, as its payload may be large. */
export function* frameParts(
  type: FrameType,
  ordinal: number,
  payload: readonly Uint8Array[],
  nonce: number,
): Steps<readonly Uint8Array[]> {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt8(FRAME_TYPES[type], 4);
  header.writeUInt8(VERSION, 5);
  header.writeUInt16LE(0, 6);
  header.writeUInt32LE(ordinal, 8);
  header.writeUInt32LE(
    payload.reduce((sum, { byteLength }) => sum + byteLength, 0),
    12,
  );
  const headerCrc = crc32(header.subarray(0, 16), nonce);
  header.writeUInt32LE(headerCrc, 16);
  const trailer = Buffer.allocUnsafe(FRAME_OVERHEAD_BYTES - FRAME_HEADER_BYTES);
  trailer.writeUInt32LE(yield* checksum(payload, headerCrc));
  return [header, ...payload, trailer];
}

/** A frame as one piece, for payloads that are small. */
export function encodeFrame(
  type: FrameType,
  ordinal: number,
  payload: Uint8Array,
  nonce: number,
): Uint8Array {
  return Buffer.concat(finish(frameParts(type, ordinal, [payload], nonce)));
}

/** All whole frames, and the bytes between them. Never throws, whatever the bytes are. */
export function scanFrames(bytes: Uint8Array, nonce: number): { frames: Frame[]; damage: Damage[] } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Frame[] = [];
  const damage: Damage[] = [];
  let offset = 0;
  while (offset < buffer.byteLength) {
    const header = readHeader(buffer, offset, nonce);
    const end = header === undefined ? nextHeader(buffer, offset + 1, nonce) : offset + header.sizeBytes;
    const payload =
      header === undefined || end > buffer.byteLength ? undefined : payloadAt(buffer, offset, end);
    if (header === undefined || payload === undefined) {
      damage.push({ offset, end: Math.min(end, buffer.byteLength) });
    } else {
      frames.push({ type: header.type, ordinal: header.ordinal, offset, end, payload });
    }
    offset = end;
  }
  return { frames, damage: joined(damage) };
}

function readHeader(
  buffer: Buffer,
  offset: number,
  nonce: number,
): { type: FrameType; ordinal: number; sizeBytes: number } | undefined {
  if (offset + FRAME_HEADER_BYTES > buffer.byteLength || buffer.readUInt32LE(offset) !== MAGIC)
    return undefined;
  if (crc32(buffer.subarray(offset, offset + 16), nonce) !== buffer.readUInt32LE(offset + 16))
    return undefined;
  const code = buffer.readUInt8(offset + 4);
  const type = code === 1 ? 'header' : code === 2 ? 'record' : code === 3 ? 'footer' : undefined;
  if (type === undefined || buffer.readUInt8(offset + 5) !== VERSION) return undefined;
  return {
    type,
    ordinal: buffer.readUInt32LE(offset + 8),
    sizeBytes: FRAME_OVERHEAD_BYTES + buffer.readUInt32LE(offset + 12),
  };
}

function payloadAt(buffer: Buffer, offset: number, end: number): Uint8Array | undefined {
  const payload = buffer.subarray(offset + FRAME_HEADER_BYTES, end - 4);
  const wanted = crc32(payload, buffer.readUInt32LE(offset + 16));
  return wanted === buffer.readUInt32LE(end - 4) ? payload : undefined;
}

function nextHeader(buffer: Buffer, from: number, nonce: number): number {
  for (let at = buffer.indexOf(MAGIC_BYTES, from); at >= 0; at = buffer.indexOf(MAGIC_BYTES, at + 1)) {
    if (readHeader(buffer, at, nonce) !== undefined) return at;
  }
  return buffer.byteLength;
}

function joined(damage: readonly Damage[]): Damage[] {
  const result: Damage[] = [];
  for (const part of damage) {
    const last = result.at(-1);
    if (last !== undefined && last.end === part.offset)
      result[result.length - 1] = { offset: last.offset, end: part.end };
    else result.push(part);
  }
  return result;
}
