import { EventStreamCodec, type MessageHeaders } from '@smithy/eventstream-codec';
import { EdgeError } from '../../core/mod.js';

/** `:message-type` of event-stream RPC. */
export const MESSAGE_TYPE = {
  applicationMessage: 0,
  applicationError: 1,
  ping: 2,
  pingResponse: 3,
  connect: 4,
  connectAck: 5,
  protocolError: 6,
  internalError: 7,
} as const;

/** `:message-flags` of event-stream RPC. */
export const CONNECTION_ACCEPTED = 1;
export const TERMINATE_STREAM = 2;

/** One message of event-stream RPC, with the headers that the protocol knows. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
  /** Header `operation`, which the first message of a stream carries. */
  readonly operation?: string | undefined;
  /** Header `:version` of a connect message. */
  readonly version?: string | undefined;
  /** Header `svcuid` of a connect ack: what nucleus lite gives to who connects by its component's name. */
  readonly svcuid?: string | undefined;
  /** Header `service-model-type`. */
  readonly shape?: string | undefined;
  /** Header `:content-type`. */
  readonly contentType?: string | undefined;
}

const PRELUDE_BYTES = 12;
const NO_BYTES = new Uint8Array(0);
const codec = new EventStreamCodec(
  (bytes) =>
    typeof bytes === 'string'
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** A frame's bytes, prelude and checksums included. */
export function encodeFrame(frame: Omit<Frame, 'payload'> & { readonly payload?: Uint8Array }): Uint8Array {
  const headers: MessageHeaders = {
    ':message-type': { type: 'integer', value: frame.type },
    ':message-flags': { type: 'integer', value: frame.flags },
    ':stream-id': { type: 'integer', value: frame.streamId },
  };
  addText(headers, ':version', frame.version);
  addText(headers, 'svcuid', frame.svcuid);
  addText(headers, 'operation', frame.operation);
  addText(headers, ':content-type', frame.contentType);
  addText(headers, 'service-model-type', frame.shape);
  return codec.encode({ headers, body: frame.payload ?? NO_BYTES });
}

/** Reads one whole frame. Throws INVALID_ARGUMENT if a checksum or a header is wrong. */
export function decodeFrame(bytes: Uint8Array): Frame {
  try {
    const { headers, body } = codec.decode(bytes);
    return {
      type: integer(headers, ':message-type'),
      flags: integer(headers, ':message-flags'),
      streamId: integer(headers, ':stream-id'),
      payload: body,
      operation: text(headers, 'operation'),
      version: text(headers, ':version'),
      svcuid: text(headers, 'svcuid'),
      shape: text(headers, 'service-model-type'),
      contentType: text(headers, ':content-type'),
    };
  } catch (error) {
    throw new EdgeError('MESSAGE_UNREADABLE', 'Cannot read an event-stream frame as it is malformed', {
      cause: error,
    });
  }
}

/** Cuts a byte stream into whole frames, without copying more than each frame once. */
export class FrameSplitter {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #available = 0;

  /** @param maxBytes a frame that announces more is refused before it is read */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The frames that `chunk` completes. Throws RESOURCE_EXHAUSTED for a frame above the limit. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#chunks.push(chunk);
    this.#available += chunk.byteLength;
    const frames: Uint8Array[] = [];
    for (;;) {
      const sizeBytes = this.#announcedBytes();
      if (sizeBytes === undefined || this.#available < sizeBytes) return frames;
      frames.push(this.#take(sizeBytes));
    }
  }

  #announcedBytes(): number | undefined {
    if (this.#available < PRELUDE_BYTES) return undefined;
    const first = this.#chunks[0];
    const head = first !== undefined && first.byteLength >= PRELUDE_BYTES ? first : this.#join();
    const sizeBytes = new DataView(head.buffer, head.byteOffset).getUint32(0);
    if (sizeBytes < PRELUDE_BYTES + 4 || sizeBytes > this.#maxBytes) {
      throw new EdgeError(
        'FRAME_TOO_LARGE',
        `Cannot read an event-stream frame as it must have at most ${this.#maxBytes} bytes: it announces ${sizeBytes}`,
      );
    }
    return sizeBytes;
  }

  #take(sizeBytes: number): Uint8Array {
    const first = this.#chunks[0];
    const whole = first !== undefined && first.byteLength >= sizeBytes ? first : this.#join();
    this.#available -= sizeBytes;
    if (whole.byteLength === sizeBytes) this.#chunks.shift();
    else this.#chunks[0] = whole.subarray(sizeBytes);
    return whole.subarray(0, sizeBytes);
  }

  #join(): Uint8Array {
    const joined = Buffer.concat(this.#chunks, this.#available);
    this.#chunks = [joined];
    return joined;
  }
}

function addText(headers: MessageHeaders, name: string, value: string | undefined): void {
  if (value !== undefined) headers[name] = { type: 'string', value };
}

function integer(headers: MessageHeaders, name: string): number {
  const header = headers[name];
  if (header?.type === 'integer') return header.value;
  throw new EdgeError('MESSAGE_UNREADABLE', `Cannot read a frame as its header '${name}' must be an int32`);
}

function text(headers: MessageHeaders, name: string): string | undefined {
  const header = headers[name];
  return header?.type === 'string' ? header.value : undefined;
}
