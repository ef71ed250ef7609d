import { INLINE_MAX_BYTES } from '../contract/mod.js';
import { FRAMED_INLINE_BYTES, HEAD_ROOM_BYTES, MAX_FRAME_BYTES } from '../ipc/framed/mod.js';
import type { Carrier } from './carriers.js';

/** More parts than this cost too much of a message beside their bytes. */
const INLINE_MAX_PARTS = 16;

/** How small parts go in the request itself, on one way to the agent. */
export interface InlineForm {
  /** Whether they are better there than in a file. */
  readonly fits: (parts: readonly Uint8Array[]) => boolean;
  /** Whether the request can take them all where there is no file to be had, and the reply as many outputs. */
  readonly holds: (parts: readonly Uint8Array[]) => boolean;
  readonly carrier: (part: Uint8Array) => Carrier;
}

/** As base64 in a message over IPC. */
export const IN_MESSAGE: InlineForm = {
  fits: (parts) => totalOf(parts) <= INLINE_MAX_BYTES && parts.length <= INLINE_MAX_PARTS,
  // Outputs that a message does not hold need a file.
  holds: () => false,
  carrier: (part) => ({
    b64: Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('base64'),
  }),
};

/** As raw bytes behind a frame's metadata. */
export const IN_FRAME: InlineForm = {
  fits: (parts) => totalOf(parts) <= FRAMED_INLINE_BYTES,
  holds: (parts) => totalOf(parts) <= MAX_FRAME_BYTES - HEAD_ROOM_BYTES,
  carrier: (part) => ({ bytes: part }),
};

function totalOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}
