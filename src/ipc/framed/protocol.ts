import { Type, type Static } from '@sinclair/typebox';
import { MAX_TIMEOUT_MS, MODEL_NAME_MAX_CHARS, MODEL_NAME_PATTERN } from '../../contract/mod.js';
import { MEBIBYTE } from '../../core/mod.js';

/** docs/protocol/framed.md says what these are. */
export const FRAMED_PROTOCOL = 1;

/** What a client writes before its first frame; no other protocol begins with its first byte. */
export const PREAMBLE: Uint8Array = Uint8Array.of(0x00, 0x65, 0x64, 0x67, 0x65, 0x6d, 0x67, 0x72);

export const KIND = { hello: 1, welcome: 2, request: 3, reply: 4, error: 5, cancel: 6 } as const;

/** Bytes behind a frame's header. */
export const MAX_FRAME_BYTES = MEBIBYTE;
/** What a frame needs beside its tensors: names and shapes of as many as there may be. */
export const HEAD_ROOM_BYTES = 128 * 1024;
/** Tensors of up to so many bytes in sum are cheaper behind the metadata than by a file. */
export const FRAMED_INLINE_BYTES = 64 * 1024;

const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });

/** Unknown fields are ignored, here and below: a newer side may say more. */
export const Hello = Type.Object({
  protocol: Type.Integer({ minimum: 1 }),
  /** Whom the agent counts the caller as. */
  name: Type.Optional(name),
  /** Stays the same over a client's connections. */
  session: Type.Optional(name),
});
export type Hello = Static<typeof Hello>;

export const Welcome = Type.Object({
  protocol: Type.Integer({ minimum: 1 }),
  agentVersion: Type.String(),
  startId: Type.String(),
  maxFrameBytes: Type.Integer({ minimum: 1 }),
  inlineBytes: Type.Integer({ minimum: 0 }),
});
export type Welcome = Static<typeof Welcome>;

export const RequestHead = Type.Object({
  op: Type.String({ minLength: 1, maxLength: 64 }),
  /** Of predict only. */
  model: Type.Optional(Type.String({ maxLength: MODEL_NAME_MAX_CHARS, pattern: MODEL_NAME_PATTERN })),
  timeoutMs: Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_MS }),
  body: Type.Unsafe<Readonly<Record<string, unknown>>>(Type.Object({}, { additionalProperties: true })),
});
export type RequestHead = Static<typeof RequestHead>;
