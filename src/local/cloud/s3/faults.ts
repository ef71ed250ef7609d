/** The request as a fault script sees it, before it is carried out. */
export interface FaultRequest {
  /** 0 for the first request that this server got. */
  readonly index: number;
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a test lets happen to one request instead of, or during, its ordinary course. */
export type Fault =
  /** Answers this error after the body was read; nothing is stored. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly code: string;
      readonly retryAfterSeconds?: number;
    }
  /** Resets the connection at once. */
  | { readonly kind: 'reset' }
  /** Reads everything, answers nothing, keeps the connection. */
  | { readonly kind: 'hang' }
  /** Uploads: reads half of the body, then resets. Downloads: sends half, then resets. */
  | { readonly kind: 'half-body' }
  /** Reads uploads and sends downloads at this rate. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** Stores the object, then resets without an answer. */
  | { readonly kind: 'store-then-drop' }
  /** Damages one bit: in `transit` before the server checks what came, in `store` after the checks, so that the answer tells of other bytes. */
  | { readonly kind: 'flip-byte'; readonly where: 'transit' | 'store' }
  /** Stores the object but answers with another ETag and checksum. */
  | { readonly kind: 'wrong-checksum' }
  /** Waits before the ordinary course. */
  | { readonly kind: 'delay'; readonly delayMs: number };

export type FaultScript = (request: FaultRequest) => Fault | undefined;

/** `bytes` with the lowest bit of the middle byte changed. */
export function flipMiddleBit(bytes: Uint8Array): Buffer {
  const damaged = Buffer.from(bytes);
  const middle = damaged.length >> 1;
  if (damaged.length > 0) damaged.writeUInt8(damaged.readUInt8(middle) ^ 1, middle);
  return damaged;
}
