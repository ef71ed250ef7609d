import {
  MAX_TIMEOUT_MS,
  operations,
  replyTopic,
  type OperationName,
  type ReplyEnvelope,
  type ReplyOf,
  type RequestEnvelope,
  type RequestOf,
} from '../contract/mod.js';
import { deferred, EdgeError, validate, within, type Clock, type Logger, type Random } from '../core/mod.js';
import { decodeReply, encodeMessage, fromErrorBody } from './codec.js';
import type { IncomingMessage, Transport } from './port.js';

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
}

export interface Requester extends AsyncDisposable {
  readonly replyTo: string;
  /** Rejects with the agent's error, DEADLINE_EXCEEDED after `timeoutMs`, or UNAVAILABLE at once when the connection goes. */
  request<Name extends OperationName>(
    name: Name,
    body: RequestOf<Name>,
    options: RequestOptions,
  ): Promise<ReplyOf<Name>>;
  close(): Promise<void>;
}

interface Pending {
  readonly name: OperationName;
  readonly resolve: (reply: ReplyEnvelope) => void;
  readonly reject: (error: Error) => void;
}

/** One reply subscription, requests matched by id: a connection lost fails all pending ones with their own code. */
export async function createRequester(options: RequesterOptions): Promise<Requester> {
  const requester = new TopicRequester(options);
  await requester.open();
  return requester;
}

class TopicRequester implements Requester {
  readonly replyTo: string;
  readonly #options: RequesterOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #prefix: string;
  #counter = 0;
  #endSubscription: (() => Promise<void>) | undefined;
  #endConnection: (() => void) | undefined;
  #closed = false;

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.replyTo = replyTopic(options.component, options.random.hex(16));
    this.#prefix = options.random.hex(6);
  }

  async open(): Promise<void> {
    const { transport } = this.#options;
    this.#endSubscription = await transport.subscribe(this.replyTo, (message) => this.#receive(message));
    this.#endConnection = transport.onConnection((state) => {
      if (state !== 'lost') return;
      this.#failAll(
        new EdgeError(
          'CONNECTION_LOST',
          'Cannot wait for the reply as the connection to Greengrass was lost',
          {
            retryAfterMs: 1000,
          },
        ),
      );
    });
  }

  async request<Name extends OperationName>(
    name: Name,
    body: RequestOf<Name>,
    options: RequestOptions,
  ): Promise<ReplyOf<Name>> {
    if (this.#closed) throw new EdgeError('CLOSED', 'Cannot send the request as the client was closed');
    options.signal?.throwIfAborted();
    const operation = operations[name];
    const id = `${this.#prefix}-${(this.#counter++).toString(36)}`;
    const envelope: RequestEnvelope = {
      v: 1,
      id,
      replyTo: this.replyTo,
      timeoutMs: wireTimeout(options.timeoutMs),
      op: name,
      body: body as Record<string, unknown>,
    };
    const reply = await this.#exchange(name, options.topic ?? operation.topic, envelope, options);
    if (!reply.ok) throw fromErrorBody(reply.error);
    return validate(operation.reply, reply.body, 'Cannot read the reply') as ReplyOf<Name>;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#endConnection?.();
    this.#failAll(new EdgeError('CLOSED', 'Cannot wait for the reply as the client was closed'));
    await this.#endSubscription?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #exchange(
    name: OperationName,
    topic: string,
    envelope: RequestEnvelope,
    { timeoutMs, signal }: RequestOptions,
  ): Promise<ReplyEnvelope> {
    const { clock } = this.#options;
    const { id } = envelope;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const reply = deferred<ReplyEnvelope>();
    this.#pending.set(id, { name, resolve: reply.resolve, reject: reply.reject });
    let cancelResend = (): void => undefined;
    const send = (remainingMs: number, nextMs: number): void => {
      this.#send(topic, { ...envelope, timeoutMs: wireTimeout(remainingMs) });
      if (nextMs >= remainingMs) return;
      cancelResend = clock.after(nextMs, () => send(deadlineMs - clock.monotonicMs(), nextMs * 2));
    };
    send(timeoutMs, operations[name].resendAfterMs);
    const late = (): EdgeError =>
      new EdgeError(
        'NO_REPLY',
        `Cannot wait any longer for the reply to '${name}': ${Math.round(timeoutMs)} ms have passed`,
      );
    try {
      const signals = signal === undefined ? [] : [signal];
      return await within(clock, timeoutMs, reply.promise, { late, signals });
    } finally {
      cancelResend();
      this.#pending.delete(id);
    }
  }

  #send(topic: string, envelope: RequestEnvelope): void {
    this.#options.transport.publish(topic, encodeMessage(envelope)).catch((thrown: unknown) => {
      this.#pending.get(envelope.id)?.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    });
  }

  #receive(message: IncomingMessage): void {
    let reply: ReplyEnvelope;
    try {
      reply = decodeReply(message.payload);
    } catch (thrown) {
      this.#options.logger.warn('An unreadable reply was ignored', { reason: String(thrown) });
      return;
    }
    this.#pending.get(reply.id)?.resolve(reply);
  }

  #failAll(error: EdgeError): void {
    for (const pending of this.#pending.values()) pending.reject(error);
  }
}

function wireTimeout(ms: number): number {
  return Math.min(MAX_TIMEOUT_MS, Math.max(1, Math.ceil(ms)));
}
