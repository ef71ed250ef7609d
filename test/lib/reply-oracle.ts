import assert from 'node:assert/strict';
import { ReplyEnvelope } from '../../src/contract/mod.js';
import { validate } from '../../src/core/mod.js';

/** What only a stack or an error of Node's own would tell. */
const INTERNALS = [
  'node_modules',
  'node:internal',
  '\\n    at ',
  '.ts:',
  '.js:',
  'TypeError',
  'RangeError',
  process.cwd(),
];

export interface Heard {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/**
 * Judges one reply to a hostile message: a well-formed envelope on a reply topic, no failure of the agent's own, and
 * no secret that the attacker did not send.
 * @param sent all that was sent, as text
 */
export function judgeReply(
  { topic, payload }: Heard,
  sent: string,
  secrets: readonly string[],
): ReplyEnvelope {
  assert.match(topic, /^edgemanager\/v1\/reply\/[A-Za-z0-9._-]{1,128}\/[0-9a-f]{32}$/);
  assert.ok(payload.byteLength <= 7000, `a reply of ${payload.byteLength} bytes`);
  const json: unknown = JSON.parse(Buffer.from(payload).toString());
  const reply = validate(ReplyEnvelope, json, 'Cannot read the reply') as ReplyEnvelope;
  const text = JSON.stringify(reply.ok ? withoutOwnPaths(reply.body) : reply.error);
  const to = sent.split('\n').find((line) => line.includes(JSON.stringify(reply.id))) ?? '';
  if (!reply.ok) assert.notEqual(reply.error.code, 'INTERNAL', `${text} to ${to}`);
  for (const secret of [...INTERNALS, ...secrets]) {
    assert.ok(
      !text.includes(secret) || sent.includes(secret),
      `'${secret}' is in ${text.slice(0, 500)} to ${to}`,
    );
  }
  return reply;
}

/** Fields that tell a path on purpose: the caller's own folder, and where an operator's package lies. */
function withoutOwnPaths({ exchangeFolder: _own, path: _path, ...rest }: Record<string, unknown>): object {
  return rest;
}
