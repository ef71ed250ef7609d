import {
  MAX_MESSAGE_BYTES,
  MAX_TIMEOUT_MS,
  reasonOf,
  ReplyEnvelope,
  RequestEnvelope,
  type ErrorBody,
} from '../contract/mod.js';
import { EdgeError, validate } from '../core/mod.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
/** JSON nested deeper than this is refused before it is parsed: a recursive reader would run out of stack. */
const MAX_DEPTH = 32;

/** UTF-8 JSON bytes. */
export function encodeMessage(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** The JSON value of a payload; INVALID_ARGUMENT where it is none, too long or too deep. */
export function decodeMessage(payload: Uint8Array, what: string, maxBytes = MAX_MESSAGE_BYTES): unknown {
  if (payload.byteLength > maxBytes) {
    throw new EdgeError(
      'MESSAGE_TOO_LARGE',
      `${what} as a message must have at most ${maxBytes} bytes: this one has ${payload.byteLength}`,
    );
  }
  let text: string;
  try {
    text = decoder.decode(payload);
  } catch (cause) {
    throw new EdgeError('MESSAGE_UNREADABLE', `${what} as it is not UTF-8`, { cause });
  }
  if (depthOf(text) > MAX_DEPTH) {
    throw new EdgeError('MESSAGE_UNREADABLE', `${what} as it is nested deeper than ${MAX_DEPTH} levels`);
  }
  try {
    return parseSafely(text);
  } catch (cause) {
    throw new EdgeError('MESSAGE_UNREADABLE', `${what} as it is not JSON`, { cause });
  }
}

/** What remains of a request's time, as its `timeoutMs` may have it. */
export function wireTimeout(remainingMs: number): number {
  return Math.min(MAX_TIMEOUT_MS, Math.max(1, Math.ceil(remainingMs)));
}

export function decodeRequest(payload: Uint8Array): RequestEnvelope {
  return validate(
    RequestEnvelope,
    decodeMessage(payload, 'Cannot read the request'),
    'Cannot read the request',
  );
}

export function decodeReply(payload: Uint8Array, maxBytes = MAX_MESSAGE_BYTES): ReplyEnvelope {
  const what = 'Cannot read the reply';
  return validate(ReplyEnvelope, decodeMessage(payload, what, maxBytes), what) as ReplyEnvelope;
}

/** What a caller hears of a failure of ours; the sentence itself may hold what Node said, paths among it. */
const INTERNAL_SENTENCE = "Cannot finish the request as the agent failed: the agent's log says why";

/** An error as it goes over the wire: never a cause, a stack or a path that the caller did not send. */
export function toErrorBody(error: EdgeError): ErrorBody {
  const message = error.code === 'INTERNAL' ? INTERNAL_SENTENCE : error.message;
  return {
    code: error.code,
    reason: error.reason,
    message: message.length > 1000 ? `${message.slice(0, 997)}...` : message,
    ...(error.field === undefined ? {} : { field: error.field.slice(0, 200) }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

/** The agent's error; one of an agent that is older (no reason) or newer (a reason unknown here) has the code's own. */
export function fromErrorBody({ code, reason, message, field, retryAfterMs }: ErrorBody): EdgeError {
  return new EdgeError(reasonOf(code, reason), message, { field, retryAfterMs });
}

/** Nesting of brackets outside strings, which hold most of a message: they are skipped by the native search. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === 0x22) index = endOfString(text, index);
    else if (char === 0x7b || char === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return deepest;
}

/** Where the string that starts at `start` has its closing quote; the text's length where it has none. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(index - 1 - backslashes) === 0x5c) backslashes++;
  return backslashes % 2 === 1;
}

/** A reviver makes a parse three times as slow, so only texts that may hold the key (spelt out or escaped) pay. */
function parseSafely(text: string): unknown {
  const mayHoldPrototypeKey = text.includes('__proto__') || text.includes('\\u');
  return mayHoldPrototypeKey ? JSON.parse(text, dropPrototypeKeys) : JSON.parse(text);
}

function dropPrototypeKeys(this: unknown, key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}
