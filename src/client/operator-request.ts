import { PROTOCOL_VERSION, type ReplyEnvelope } from '../contract/mod.js';
import { deferred, EdgeError, within } from '../core/mod.js';
import { decodeReply, encodeMessage, fromErrorBody } from '../ipc/mod.js';
import { systemClock, systemRandom } from '../system/mod.js';
import type { AdminTransport } from './admin-transport.js';

/**
 * Asks for an operation that the admin socket alone has.
 * @returns the reply's body
 * @throws EdgeError the agent's own, UNAVAILABLE where the connection goes, DEADLINE_EXCEEDED after `timeoutMs`
 */
export async function askAsOperator(
  transport: AdminTransport,
  op: string,
  body: object,
  timeoutMs: number,
): Promise<unknown> {
  const id = systemRandom.hex(16);
  const answer = deferred<ReplyEnvelope>();
  const end = await transport.subscribe('', ({ payload }) => {
    const reply = decodeReply(payload, transport.maxMessageBytes);
    if (reply.id === id) answer.resolve(reply);
  });
  const endLost = transport.onConnection((_state, cause) =>
    answer.reject(cause ?? new EdgeError('CONNECTION_LOST', 'The agent closed the connection')),
  );
  try {
    const request = { v: PROTOCOL_VERSION, id, replyTo: 'local', timeoutMs, op, body };
    await transport.publish('', encodeMessage(request));
    const reply = await within(systemClock, timeoutMs, answer.promise);
    if (!reply.ok) throw fromErrorBody(reply.error);
    return reply.body;
  } finally {
    await end();
    endLost();
  }
}
