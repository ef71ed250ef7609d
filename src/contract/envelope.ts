import { Type, type Static } from '@sinclair/typebox';
import { CODES } from './codes/mod.js';
import { FileRegion } from './tensor.js';

/**
 * Nucleus lite delivers at most 7,329 bytes on a short topic and drops more in silence; nothing of ours is
 * ever longer than this. Longer replies come in pages, larger tensors by file.
 */
export const MAX_MESSAGE_BYTES = 7000;
/** A request's body by file: 256 inputs with the longest names. */
export const MAX_BODY_BYTES = 1024 * 1024;
export const PROTOCOL_VERSION = 1;
/** Longest `timeoutMs` that a caller may ask for: a package admission on slow flash. */
export const MAX_TIMEOUT_MS = 600_000;
/** A repeated (caller, id) within this time gets the same answer, not a second run. */
export const REPLAY_WINDOW_MS = 60_000;
/** How many answers the agent remembers per caller. */
export const REPLAY_LIMIT = 256;

/** Unknown fields are ignored, so that a newer caller may say more. */
export const RequestEnvelope = Type.Object({
  v: Type.Literal(PROTOCOL_VERSION),
  id: Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9._:-]+$' }),
  replyTo: Type.String({ minLength: 1, maxLength: 250 }),
  timeoutMs: Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_MS }),
  op: Type.String({ minLength: 1, maxLength: 64 }),
  body: Type.Object({}, { additionalProperties: true }),
  /** Where the body lies as JSON text that a message does not hold, in the caller's exchange folder; `body` is then {}. */
  bodyFile: Type.Optional(FileRegion),
  /** Where the reply's body may go as JSON text if a message does not hold it. */
  replyFile: Type.Optional(FileRegion),
});
export type RequestEnvelope = Static<typeof RequestEnvelope>;

export const ErrorBody = Type.Object({
  code: Type.Union(CODES.map((code) => Type.Literal(code))),
  /** One of the reasons of docs/errors.md; an older agent says none. */
  reason: Type.Optional(Type.String({ maxLength: 64 })),
  message: Type.String(),
  field: Type.Optional(Type.String()),
  retryAfterMs: Type.Optional(Type.Number({ minimum: 0 })),
});
export type ErrorBody = {
  code: (typeof CODES)[number];
  reason?: string;
  message: string;
  field?: string;
  retryAfterMs?: number;
};

export const ReplyEnvelope = Type.Union([
  Type.Object({
    v: Type.Literal(PROTOCOL_VERSION),
    id: Type.String(),
    ok: Type.Literal(true),
    body: Type.Object({}, { additionalProperties: true }),
    /** Where the body lies as JSON text; only in answer to a request with a `replyFile`. */
    bodyFile: Type.Optional(FileRegion),
  }),
  Type.Object({
    v: Type.Literal(PROTOCOL_VERSION),
    id: Type.String(),
    ok: Type.Literal(false),
    error: ErrorBody,
  }),
]);
export type ReplyEnvelope =
  | { v: 1; id: string; ok: true; body: Record<string, unknown>; bodyFile?: FileRegion }
  | { v: 1; id: string; ok: false; error: ErrorBody };

/** The id of {@link AgentReturned}; no request has it. */
export const AGENT_RETURNED_ID = 'agent:returned';

/**
 * Comes to the reply topics of callers that the agent knows, and answers none of their requests: the agent was started,
 * or its connection is back. A request that has no answer yet may be lost, and is best sent again under its own id.
 * Whoever does not know this id has no such request, and sends again in its own time.
 */
export const AgentReturned = Type.Object({
  v: Type.Literal(PROTOCOL_VERSION),
  id: Type.Literal(AGENT_RETURNED_ID),
  ok: Type.Literal(true),
  body: Type.Object({}, { additionalProperties: true }),
});
export type AgentReturned = Static<typeof AgentReturned>;
