import {
  AGENT_RETURNED_ID,
  MAX_MESSAGE_BYTES,
  operations,
  replyTopic,
  type OperationName,
  type ReplyEnvelope,
  type ReplyOf,
  type RequestEnvelope,
  type RequestOf,
} from '../contract/mod.js';
import { EdgeError, validate, within, type Clock, type Logger, type Random } from '../core/mod.js';
import type { BodyRoom, WithBodyRoom } from './body-room.js';
import { decodeMessage, decodeReply, encodeMessage, fromErrorBody, wireTimeout } from './codec.js';
import { OpenRequest } from './open-request.js';
import type { ConnectionState, IncomingMessage, Transport } from './port.js';

/** Requests that may begin to wait for the connection: with tensors in messages they hold some megabytes. */
const MAX_WAITING = 1024;

export interface RequesterOptions {
  readonly transport: Transport;
  /** The component's own name: its policy allows `edgemanager/v1/reply/<name>/*` only. */
  readonly component: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Default: the operation's own topic; predict has one per model. */
  readonly topic?: string;
  /** Asked for where a message does not hold the request or its reply; absent: such a request fails. */
  readonly withRoom?: WithBodyRoom;
}

/** One request on its way. */
interface Outgoing {
  readonly name: OperationName;
  readonly topic: string;
  readonly envelope: RequestEnvelope;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Requester extends AsyncDisposable {
  readonly replyTo: string;
  /**
   * A request that the connection is away for waits for it, and goes out in its turn when it is back. One id stays with
   * it, so that an agent that has heard it already does nothing twice.
   * @throws EdgeError the agent's own; after `timeoutMs` DEADLINE_EXCEEDED, or UNAVAILABLE (CONNECTION_LOST) where the
   * connection is still away, and at once where it went for good; RESOURCE_EXHAUSTED (REQUESTS_UNDER_WAY) where too
   * many wait for it; UNAVAILABLE (CLOSED)
   */
  request<Name extends OperationName>(
    name: Name,
    body: RequestOf<Name>,
    options: RequestOptions,
  ): Promise<ReplyOf<Name>>;
  close(): Promise<void>;
}

/**
 * One reply subscription, requests matched by id. Whatever has no answer is sent again when the connection is back, and
 * when the agent says that it is: it may have gone before it answered.
 */
export async function createRequester(options: RequesterOptions): Promise<Requester> {
  const requester = new TopicRequester(options);
  await requester.open();
  return requester;
}

class TopicRequester implements Requester {
  readonly replyTo: string;
  readonly #options: RequesterOptions;
  /** By id, in the order in which they came. */
  readonly #open = new Map<string, OpenRequest>();
  readonly #prefix: string;
  #counter = 0;
  #endSubscription: (() => Promise<void>) | undefined;
  #endConnection: (() => void) | undefined;
  #isAway = false;
  /** Why no request can be made any more. */
  #over: EdgeError | undefined;

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.replyTo = replyTopic(options.component, options.random.hex(16));
    this.#prefix = options.random.hex(6);
  }

  async open(): Promise<void> {
    const { transport } = this.#options;
    this.#endConnection = transport.onConnection((state, cause) => this.#connection(state, cause));
    this.#endSubscription = await transport.subscribe(this.replyTo, (message) => this.#receive(message));
  }

  async request<Name extends OperationName>(
    name: Name,
    body: RequestOf<Name>,
    options: RequestOptions,
  ): Promise<ReplyOf<Name>> {
    options.signal?.throwIfAborted();
    this.#checkOpen();
    const { topic = operations[name].topic, timeoutMs, signal, withRoom } = options;
    const id = `${this.#prefix}-${(this.#counter++).toString(36)}`;
    const envelope: RequestEnvelope = {
      v: 1,
      id,
      replyTo: this.replyTo,
      timeoutMs: wireTimeout(timeoutMs),
      op: name,
      body: body as Record<string, unknown>,
    };
    const deadlineMs = this.#options.clock.monotonicMs() + timeoutMs;
    const answer = await this.#ask({ name, topic, envelope, deadlineMs, signal }, withRoom);
    return validate(operations[name].reply, answer, 'Cannot read the reply') as ReplyOf<Name>;
  }

  async close(): Promise<void> {
    if (this.#over?.reason === 'CLOSED') return;
    this.#endConnection?.();
    this.#end(new EdgeError('CLOSED', 'Cannot wait for the reply as the client was closed'));
    await this.#endSubscription?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The reply's body: by message, or by file under the same id, so that the agent acts once. */
  async #ask(outgoing: Outgoing, withRoom: WithBodyRoom | undefined): Promise<Record<string, unknown>> {
    const first = this.#openRequest(outgoing, 0);
    try {
      const reply = await this.#exchange(outgoing, first);
      if (!reply.ok) throw fromErrorBody(reply.error);
      return reply.body;
    } catch (thrown) {
      const reason = thrown instanceof EdgeError ? thrown.reason : undefined;
      if (withRoom === undefined || !(reason === 'MESSAGE_TOO_LARGE' || reason === 'REPLY_TOO_LARGE'))
        throw thrown;
      // Each time that it was sent has an answer, and all but one are still to come.
      return await withRoom((room) => this.#askByFile(outgoing, room, Math.max(0, first.sent - 1)));
    }
  }

  async #askByFile(outgoing: Outgoing, room: BodyRoom, stale: number): Promise<Record<string, unknown>> {
    const { body, ...head } = outgoing.envelope;
    const asked: RequestEnvelope = { ...head, replyFile: room.reply, body };
    const fits = encodeMessage(asked).byteLength <= MAX_MESSAGE_BYTES;
    const envelope = fits ? asked : { ...asked, body: {}, bodyFile: await room.lay(encodeMessage(body)) };
    const filed = { ...outgoing, envelope };
    const reply = await this.#exchange(filed, this.#openRequest(filed, stale));
    if (!reply.ok) throw fromErrorBody(reply.error);
    if (reply.bodyFile === undefined) return reply.body;
    const bytes = await room.read(reply.bodyFile);
    return decodeMessage(bytes, 'Cannot read the reply', bytes.byteLength) as Record<string, unknown>;
  }

  #openRequest({ name, topic, envelope, deadlineMs }: Outgoing, stale: number): OpenRequest {
    const { clock, transport } = this.#options;
    return new OpenRequest({
      clock,
      deadlineMs,
      resendAfterMs: operations[name].resendAfterMs,
      publish: (remainingMs) =>
        transport.publish(topic, encodeMessage({ ...envelope, timeoutMs: wireTimeout(remainingMs) })),
      stale,
    });
  }

  async #exchange(
    { name, envelope, deadlineMs, signal }: Outgoing,
    request: OpenRequest,
  ): Promise<ReplyEnvelope> {
    const { clock } = this.#options;
    const timeoutMs = deadlineMs - clock.monotonicMs();
    this.#open.set(envelope.id, request);
    if (!this.#isAway) request.send();
    try {
      return await within(clock, timeoutMs, request.answer, {
        late: () => this.#late(name, timeoutMs),
        signals: signal === undefined ? [] : [signal],
      });
    } finally {
      request.rest();
      this.#open.delete(envelope.id);
    }
  }

  #checkOpen(): void {
    if (this.#over !== undefined) throw this.#over;
    if (!this.#isAway || this.#open.size < MAX_WAITING) return;
    throw new EdgeError(
      'REQUESTS_UNDER_WAY',
      `Cannot take the request as ${this.#open.size} wait for the connection to Greengrass: at most ${MAX_WAITING} may`,
      { retryAfterMs: 1000 },
    );
  }

  #late(name: OperationName, timeoutMs: number): EdgeError {
    const passed = `${Math.round(timeoutMs)} ms have passed`;
    return this.#isAway
      ? new EdgeError(
          'CONNECTION_LOST',
          `Cannot wait any longer for the connection to Greengrass to come back for '${name}': ${passed}`,
          { retryAfterMs: 1000 },
        )
      : new EdgeError('NO_REPLY', `Cannot wait any longer for the reply to '${name}': ${passed}`);
  }

  #connection(state: ConnectionState, cause: Error | undefined): void {
    switch (state) {
      case 'lost':
        this.#isAway = true;
        for (const request of this.#open.values()) request.rest();
        break;
      case 'regained':
        this.#isAway = false;
        this.#sendAll();
        break;
      case 'ended':
        this.#end(
          new EdgeError('CONNECTION_LOST', 'Cannot wait for the reply as the connection has ended', {
            cause,
          }),
        );
        break;
      case 'refused':
        // Tries go on, and whoever waits has its own deadline.
        break;
    }
  }

  #receive(message: IncomingMessage): void {
    let reply: ReplyEnvelope;
    try {
      reply = decodeReply(message.payload, this.#options.transport.maxMessageBytes);
    } catch (thrown) {
      this.#options.logger.warn('An unreadable reply was ignored', { reason: String(thrown) });
      return;
    }
    if (reply.id === AGENT_RETURNED_ID) this.#sendAll();
    else this.#open.get(reply.id)?.resolve(reply);
  }

  #sendAll(): void {
    if (!this.#isAway) for (const request of this.#open.values()) request.send();
  }

  #end(error: EdgeError): void {
    this.#over = error;
    for (const request of this.#open.values()) request.reject(error);
  }
}
