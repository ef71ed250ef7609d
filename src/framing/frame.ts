import { EdgeError } from '../core/mod.js';

/**
 * One frame: 16 bytes of header, metadata, payload. All numbers are little-endian.
 *
 * | offset | bytes | holds |
 * | --- | --- | --- |
 * | 0 | 4 | bytes that follow the header, a multiple of 8 |
 * | 4 | 1 | kind |
 * | 5 | 1 | flags |
 * | 6 | 2 | zero |
 * | 8 | 4 | request id |
 * | 12 | 4 | bytes of metadata |
 *
 * The payload begins at the next multiple of 8 behind the metadata, and so do its parts: what is raw bytes of a tensor
 * can be looked at in place, whatever its element type.
 */
export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly metadata: Uint8Array;
  readonly payload: Uint8Array;
}

export interface FrameParts {
  readonly kind: number;
  readonly flags?: number;
  readonly id: number;
  readonly metadata?: Uint8Array;
  /** Each begins at a multiple of 8; see `payloadOffsets`. */
  readonly payload?: readonly Uint8Array[];
}

export interface FrameHeader {
  readonly kind: number;
  readonly flags: number;
  readonly id: number;
  readonly bodyBytes: number;
  readonly metadataBytes: number;
}

export const FRAME_HEADER_BYTES = 16;
const ALIGNMENT = 8;
const NO_BYTES = new Uint8Array(0);

/** The next multiple of 8. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Where parts of these sizes begin in a payload. */
export function payloadOffsets(sizes: readonly number[]): number[] {
  let offset = 0;
  return sizes.map((size) => {
    const begin = offset;
    offset += aligned(size);
    return begin;
  });
}

/**
 * A frame's bytes, in one piece.
 * @example encodeFrame({ kind: 3, id: 7, metadata: Buffer.from('{}'), payload: [new Uint8Array(9)] }).length // 16 + 8 + 16
 */
export function encodeFrame({ kind, flags = 0, id, metadata = NO_BYTES, payload = [] }: FrameParts): Buffer {
  const payloadBytes = payload.reduce((sum, part) => sum + aligned(part.length), 0);
  const bodyBytes = aligned(metadata.length) + payloadBytes;
  // Uninitialised: each byte is written below, the padding too, which would tell what memory held before.
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bodyBytes);
  bytes.writeUInt32LE(bodyBytes, 0);
  bytes.writeUInt8(kind, 4);
  bytes.writeUInt8(flags, 5);
  bytes.writeUInt16LE(0, 6);
  bytes.writeUInt32LE(id, 8);
  bytes.writeUInt32LE(metadata.length, 12);
  let offset = FRAME_HEADER_BYTES;
  for (const part of [metadata, ...payload]) {
    bytes.set(part, offset);
    bytes.fill(0, offset + part.length, offset + aligned(part.length));
    offset += aligned(part.length);
  }
  return bytes;
}

/** @throws EdgeError INVALID_ARGUMENT (MESSAGE_UNREADABLE) where the 16 bytes at `offset` are no header */
export function decodeHeader(bytes: Uint8Array, offset: number): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FRAME_HEADER_BYTES);
  const bodyBytes = view.getUint32(0, true);
  const metadataBytes = view.getUint32(12, true);
  if (bodyBytes % ALIGNMENT !== 0) throw unreadable(`its length must be a multiple of 8`, bodyBytes);
  if (view.getUint16(6, true) !== 0) throw unreadable('bytes 6 and 7 must be zero', view.getUint16(6, true));
  if (metadataBytes > bodyBytes)
    throw unreadable(`its metadata must fit its ${bodyBytes} bytes`, metadataBytes);
  return {
    kind: view.getUint8(4),
    flags: view.getUint8(5),
    id: view.getUint32(8, true),
    bodyBytes,
    metadataBytes,
  };
}

function unreadable(wanted: string, actual: number): EdgeError {
  return new EdgeError(
    'MESSAGE_UNREADABLE',
    `Cannot read the frame as ${wanted}: current value is ${actual}`,
  );
}
