import type { Static } from '@sinclair/typebox';
import {
  MAX_MESSAGE_BYTES,
  operations,
  parseReplyTopic,
  type OperationName,
  type ReplyEnvelope,
  type ReplyOf,
  type RequestEnvelope,
  type RequestOf,
} from '../contract/mod.js';
import { EdgeError, Shares, toEdgeError, validate, type Clock, type Logger } from '../core/mod.js';
import { BodyFiles, type FileOwner, type FilePort } from './body-files.js';
import { decodeRequest, encodeMessage, toErrorBody } from './codec.js';
import type { IncomingMessage, Transport } from './port.js';
import { ReplayCache } from './replay.js';

/** What a handler knows of a request beside its body. */
export interface RequestContext {
  /** The component named in the reply topic. */
  readonly caller: string;
  /** Unique per start of the caller: its whole reply topic. */
  readonly client: string;
  readonly requestId: string;
  readonly topic: string;
  /** On the injected monotonic clock: counted from arrival, as no clock is shared. */
  readonly deadlineMs: number;
  /** Outputs of so many bytes in sum go back inline, as `bytes`; absent: as a message over IPC has them. */
  readonly rawInlineBytes?: number;
  /** Nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/** What a way has beside its request. */
type Way = Pick<RequestContext, 'rawInlineBytes' | 'signal'>;

export type Handler<Name extends OperationName> = (
  body: RequestOf<Name>,
  context: RequestContext,
) => Promise<ReplyOf<Name>>;
export type Handlers = { readonly [Name in OperationName]?: Handler<Name> };

export interface ResponderOptions {
  readonly transport: Transport;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Predictions at once over all callers, and as many other requests: predictions can't block the control lane.
   * More are refused with RESOURCE_EXHAUSTED, and of one caller as many as would leave no more free. Default 2048.
   */
  readonly maxInFlight?: number;
  /** The callers' exchange files, for bodies that no message holds. Absent: those are refused. */
  readonly files?: FilePort;
  /** Hears of each readable request, before it is answered. */
  readonly onRequest?: (replyTo: string, component: string) => void;
}

export interface Responder {
  /** The answer to a decoded request; also for those that come on another way than topics. */
  answer(
    request: RequestEnvelope,
    topic: string,
    client: string,
    caller: string,
    way?: Way,
  ): Promise<ReplyEnvelope>;
  /** Lets go of the answers that a client got: it has gone. */
  forget(client: string): void;
  readonly inFlight: number;
  /** Ends the subscriptions; requests under way are still answered. */
  close(): Promise<void>;
}

/**
 * Subscribes to the topic of every handled operation and answers each readable request exactly once, to the
 * caller's reply topic. What has no readable reply topic gets no answer: there is nowhere to send it.
 */
export async function createResponder(options: ResponderOptions): Promise<Responder> {
  const responder = new TopicResponder(options);
  await responder.open();
  return responder;
}

class TopicResponder implements Responder {
  readonly #options: ResponderOptions;
  readonly #replay: ReplayCache;
  readonly #bodies: BodyFiles;
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #inFlight = { predictions: new Shares(), others: new Shares() };

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#replay = new ReplayCache(options.clock);
    this.#bodies = new BodyFiles(options.files);
  }

  get inFlight(): number {
    return this.#inFlight.predictions.taken + this.#inFlight.others.taken;
  }

  async open(): Promise<void> {
    const { transport, handlers } = this.#options;
    for (const name of Object.keys(handlers) as OperationName[]) {
      this.#ends.push(
        await transport.subscribe(operations[name].topic, (message) => this.#receive(name, message)),
      );
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#ends.splice(0).map((end) => end()));
  }

  answer(
    request: RequestEnvelope,
    topic: string,
    client: string,
    caller: string,
    way: Way = {},
  ): Promise<ReplyEnvelope> {
    const arrivalMs = this.#options.clock.monotonicMs();
    const { reply } = this.#replay.answer({ name: client, component: caller }, request.id, () =>
      this.#run(request, {
        caller,
        client,
        requestId: request.id,
        topic,
        deadlineMs: arrivalMs + request.timeoutMs,
        ...way,
      }),
    );
    return reply;
  }

  forget(client: string): void {
    this.#replay.forget(client);
  }

  #receive(name: OperationName, message: IncomingMessage): void {
    void this.#respond(name, message).catch((thrown: unknown) => {
      this.#options.logger.warn('A reply was lost', { op: name, reason: toEdgeError(thrown).message });
    });
  }

  async #respond(name: OperationName, message: IncomingMessage): Promise<void> {
    let request: RequestEnvelope;
    try {
      request = decodeRequest(message.payload);
    } catch (thrown) {
      await this.#refuseUnreadable(message, toEdgeError(thrown));
      return;
    }
    const parsed = parseReplyTopic(request.replyTo);
    if (parsed === undefined) {
      this.#options.logger.debug('A request without a reply topic of ours was ignored', { op: name });
      return;
    }
    this.#options.onRequest?.(request.replyTo, parsed.component);
    const reply =
      request.op === name
        ? await this.answer(request, message.topic, request.replyTo, parsed.component)
        : failure(
            request.id,
            new EdgeError(
              'FIELD_INVALID',
              `Cannot answer as the operation of this topic is '${name}': current value is '${request.op}'`,
              { field: 'op' },
            ),
          );
    await this.#send(request, parsed.component, reply, message.form);
  }

  /** An unreadable request gets its one error where id and reply topic can be told. */
  async #refuseUnreadable(message: IncomingMessage, error: EdgeError): Promise<void> {
    const text = Buffer.from(message.payload.subarray(0, MAX_MESSAGE_BYTES)).toString('latin1');
    const replyTo = /"replyTo"\s*:\s*"([^"\\]{1,250})"/.exec(text)?.[1];
    const id = /"id"\s*:\s*"([A-Za-z0-9._:-]{1,64})"/.exec(text)?.[1];
    if (replyTo === undefined || id === undefined || parseReplyTopic(replyTo) === undefined) {
      this.#options.logger.debug('An unreadable request was ignored', { reason: error.message });
      return;
    }
    await this.#publish(replyTo, encodeMessage(failure(id, error)), message.form);
  }

  async #run(request: RequestEnvelope, context: RequestContext): Promise<ReplyEnvelope> {
    const { clock, logger, maxInFlight = 2048 } = this.#options;
    const startedMs = clock.monotonicMs();
    const lane = this.#inFlight[request.op === 'predict' ? 'predictions' : 'others'];
    if (!lane.hasRoom(context.caller, maxInFlight)) {
      return failure(
        request.id,
        new EdgeError(
          'REQUESTS_UNDER_WAY',
          `Cannot take the request as ${lane.taken} are under way, ${lane.of(context.caller)} of them of ${context.caller}`,
          {
            retryAfterMs: 100,
          },
        ),
      );
    }
    lane.take(context.caller);
    try {
      const body = await this.#dispatch(request, context);
      return { v: 1, id: request.id, ok: true, body };
    } catch (thrown) {
      const error = toEdgeError(thrown);
      const fields = { op: request.op, caller: context.caller, requestId: request.id, code: error.code };
      if (error.code === 'INTERNAL') logger.error(error.message, { ...fields, cause: String(error.cause) });
      else logger.debug(error.message, fields);
      return failure(request.id, error);
    } finally {
      lane.give(context.caller);
      logger.debug('Answered', {
        op: request.op,
        caller: context.caller,
        requestId: request.id,
        durationMs: Math.round((clock.monotonicMs() - startedMs) * 1000) / 1000,
      });
    }
  }

  async #dispatch(request: RequestEnvelope, context: RequestContext): Promise<Record<string, unknown>> {
    const name = request.op as OperationName;
    const handler = Object.hasOwn(this.#options.handlers, name)
      ? (this.#options.handlers[name] as
          ((body: unknown, context: RequestContext) => Promise<Record<string, unknown>>) | undefined)
      : undefined;
    if (handler === undefined) {
      throw new EdgeError(
        'OPERATION_UNKNOWN',
        `Cannot answer as there is no operation '${request.op.slice(0, 64)}'`,
        { field: 'op' },
      );
    }
    const schema = operations[name].request;
    return await this.#bodies.withBody(request, context, async (given) => {
      const body = validate(schema, given, 'Cannot read the request') as Static<typeof schema>;
      return await handler(body, context);
    });
  }

  async #send(
    request: RequestEnvelope,
    caller: string,
    reply: ReplyEnvelope,
    form: 'binary' | 'json',
  ): Promise<void> {
    const payload = encodeMessage(reply);
    const fits = payload.byteLength <= MAX_MESSAGE_BYTES;
    const sent = fits ? payload : await this.#byFile(request, caller, reply, payload.byteLength);
    await this.#publish(request.replyTo, sent, form);
  }

  async #byFile(
    { replyFile, replyTo, op }: RequestEnvelope,
    caller: string,
    reply: ReplyEnvelope,
    bytes: number,
  ): Promise<Uint8Array> {
    if (replyFile === undefined) return encodeMessage(failure(reply.id, tooLarge(op, bytes)));
    const owner: FileOwner = { client: replyTo, caller };
    try {
      return encodeMessage(await this.#bodies.write(reply, owner, replyFile));
    } catch (thrown) {
      return encodeMessage(failure(reply.id, toEdgeError(thrown)));
    }
  }

  async #publish(replyTo: string, payload: Uint8Array, form: 'binary' | 'json'): Promise<void> {
    await this.#options.transport.publish(replyTo, payload, { form });
  }
}

/** A caller of before `replyFile` offers room for outputs where this names 'outputFile', which may be enough. */
function tooLarge(op: string, bytes: number): EdgeError {
  return new EdgeError(
    'REPLY_TOO_LARGE',
    `Cannot send the reply as it has ${bytes} bytes and a message holds ${MAX_MESSAGE_BYTES}: ask for outputs by file, and give 'replyFile' a region for the rest`,
    { field: op === 'predict' ? 'outputFile' : 'replyFile' },
  );
}

function failure(id: string, error: EdgeError): ReplyEnvelope {
  return { v: 1, id, ok: false, error: toErrorBody(error) };
}
