import { EdgeError } from '../core/mod.js';
import { aligned, decodeHeader, FRAME_HEADER_BYTES, type Frame, type FrameHeader } from './frame.js';

/**
 * Puts frames together from a stream's chunks. A frame that came in one chunk is looked at in place; its bytes hold
 * until the chunk is dropped, so what is kept for long should be copied.
 *
 * After an error the stream has no meaning any more: close it.
 */
export class FrameReader {
  readonly #mostBytes: number;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerHeld = 0;
  /** The frame that is under way, and how many bytes of its body are here. */
  #begun: FrameHeader | undefined;
  #body = Buffer.alloc(0);
  #bodyHeld = 0;

  /** @param mostBytes of a frame's body; a header that claims more is refused before memory is taken for it */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** True between frames: a stream that ends elsewhere was cut. */
  get idle(): boolean {
    return this.#begun === undefined && this.#headerHeld === 0;
  }

  /** @throws EdgeError MESSAGE_UNREADABLE or FRAME_TOO_LARGE */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.idle) {
        const whole = this.#inPlace(chunk, at);
        if (whole !== undefined) {
          frames.push(whole.frame);
          at = whole.end;
          continue;
        }
      }
      at += this.#collect(chunk.subarray(at), frames);
    }
    return frames;
  }

  #inPlace(chunk: Uint8Array, at: number): { frame: Frame; end: number } | undefined {
    if (chunk.length - at < FRAME_HEADER_BYTES || (chunk.byteOffset + at) % 8 !== 0) return undefined;
    const header = this.#checked(decodeHeader(chunk, at));
    const begin = at + FRAME_HEADER_BYTES;
    const end = begin + header.bodyBytes;
    if (end > chunk.length) return undefined;
    return { frame: frameOf(header, chunk.subarray(begin, end)), end };
  }

  /** @returns how many bytes it took */
  #collect(chunk: Uint8Array, frames: Frame[]): number {
    const taken =
      this.#begun === undefined ? this.#collectHeader(chunk) : this.#collectBody(this.#begun, chunk);
    const header = this.#begun;
    if (header !== undefined && this.#bodyHeld === header.bodyBytes) {
      frames.push(frameOf(header, this.#body));
      this.#begun = undefined;
      this.#headerHeld = 0;
      this.#body = Buffer.alloc(0);
    }
    return taken;
  }

  #collectHeader(chunk: Uint8Array): number {
    const part = chunk.subarray(0, FRAME_HEADER_BYTES - this.#headerHeld);
    this.#header.set(part, this.#headerHeld);
    this.#headerHeld += part.length;
    if (this.#headerHeld === FRAME_HEADER_BYTES) {
      this.#begun = this.#checked(decodeHeader(this.#header, 0));
      this.#bodyHeld = 0;
      this.#body = Buffer.from(new ArrayBuffer(this.#begun.bodyBytes));
    }
    return part.length;
  }

  #collectBody({ bodyBytes }: FrameHeader, chunk: Uint8Array): number {
    const part = chunk.subarray(0, bodyBytes - this.#bodyHeld);
    this.#body.set(part, this.#bodyHeld);
    this.#bodyHeld += part.length;
    return part.length;
  }

  #checked(header: FrameHeader): FrameHeader {
    if (header.bodyBytes <= this.#mostBytes) return header;
    throw new EdgeError(
      'FRAME_TOO_LARGE',
      `Cannot read the frame as it may hold at most ${this.#mostBytes} bytes: current size is ${header.bodyBytes}`,
    );
  }
}

function frameOf(header: FrameHeader, body: Uint8Array): Frame {
  const { kind, flags, id, metadataBytes } = header;
  return {
    kind,
    flags,
    id,
    metadata: body.subarray(0, metadataBytes),
    payload: body.subarray(Math.min(aligned(metadataBytes), body.length)),
  };
}
