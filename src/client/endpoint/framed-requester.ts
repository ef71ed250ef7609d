import {
  ErrorBody,
  modelOfPredictTopic,
  operations,
  type OperationName,
  type ReplyOf,
  type RequestOf,
} from '../../contract/mod.js';
import { EdgeError, isJsonObject, validate, type Clock, type Logger, type Random } from '../../core/mod.js';
import { encodeFrame, FRAME_HEADER_BYTES, type Frame } from '../../framing/mod.js';
import { FRAMED_PROTOCOL, KIND, laidOut, MAX_FRAME_BYTES, takenUp } from '../../ipc/framed/mod.js';
import {
  decodeMessage,
  encodeMessage,
  fromErrorBody,
  wireTimeout,
  type RequestOptions,
} from '../../ipc/mod.js';
import { Deadlines } from './deadlines.js';
import { FramedLink } from './framed-link.js';

/** Requests that may begin to wait for the connection. */
const MAX_WAITING = 1024;
const MAX_ID = 0xffff_ffff;

export interface FramedRequesterOptions {
  /** Of the endpoint's socket. */
  readonly path: string;
  /** Whom the agent counts the requests as. */
  readonly name?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** One request until its answer, over as many connections as it takes. */
interface Call {
  readonly id: number;
  readonly op: OperationName;
  /** With what remains of its time. */
  readonly frame: () => Uint8Array;
  readonly resolve: (reply: Record<string, unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Requests over one connection to the agent's local endpoint, matched by id. The connection is made with the first
 * request, and again where it was lost and somebody waits; what has no answer is sent again then, under its own id.
 */
export class FramedRequester {
  readonly #options: FramedRequesterOptions;
  readonly #calls = new Map<number, Call>();
  readonly #deadlines: Deadlines;
  readonly #link: FramedLink;
  #counter = 0;
  /** Why no request can be made any more. */
  #over: EdgeError | undefined;

  constructor(options: FramedRequesterOptions) {
    const { name, random } = options;
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    const hello = {
      protocol: FRAMED_PROTOCOL,
      session: random.hex(8),
      ...(name === undefined ? {} : { name }),
    };
    this.#link = new FramedLink({
      ...options,
      hello: encodeFrame({ kind: KIND.hello, id: 0, metadata: encodeMessage(hello) }),
      waiting: () => [...this.#calls.values()].map(({ frame }) => frame()),
      onFrame: (frame) => this.#receive(frame),
      onHopeless: (error) => this.#rejectAll(error),
    });
  }

  /**
   * @throws EdgeError the agent's own; after `timeoutMs` DEADLINE_EXCEEDED, or UNAVAILABLE (CONNECTION_LOST) where
   * there is no connection; PERMISSION_DENIED (FILE_DENIED) where this user may not open the socket; RESOURCE_EXHAUSTED
   * (REQUESTS_UNDER_WAY) where too many wait for the connection; INVALID_ARGUMENT (MESSAGE_TOO_LARGE); UNAVAILABLE
   * (CLOSED)
   */
  async request<Name extends OperationName>(
    name: Name,
    body: RequestOf<Name>,
    { timeoutMs, signal, topic }: RequestOptions,
  ): Promise<ReplyOf<Name>> {
    signal?.throwIfAborted();
    this.#checkOpen();
    const atMs = this.#options.clock.monotonicMs() + timeoutMs;
    const id = this.#nextId();
    const encode = encoderOf(id, name, topic, body);
    const first = encode(timeoutMs);
    const ends: (() => void)[] = [];
    try {
      const reply = await new Promise<Record<string, unknown>>((resolve, reject) => {
        const frame = (): Uint8Array => encode(atMs - this.#options.clock.monotonicMs());
        this.#calls.set(id, { id, op: name, frame, resolve, reject });
        ends.push(this.#deadlines.add(atMs, () => this.#leave(id, this.#late(name, timeoutMs))));
        if (signal !== undefined) {
          const onAbort = (): void => this.#leave(id, signal.reason);
          signal.addEventListener('abort', onAbort, { once: true });
          ends.push(() => signal.removeEventListener('abort', onAbort));
        }
        this.#link.send(first);
      });
      return validate(operations[name].reply, reply, 'Cannot read the reply') as ReplyOf<Name>;
    } finally {
      for (const end of ends) end();
    }
  }

  async close(): Promise<void> {
    if (this.#over !== undefined) return;
    this.#over = new EdgeError('CLOSED', 'Cannot wait for the reply as the client was closed');
    this.#link.close();
    this.#rejectAll(this.#over);
    this.#deadlines.close();
  }

  #checkOpen(): void {
    if (this.#over !== undefined) throw this.#over;
    if (this.#link.isUp || this.#calls.size < MAX_WAITING) return;
    throw new EdgeError(
      'REQUESTS_UNDER_WAY',
      `Cannot take the request as ${this.#calls.size} wait for the connection to the agent: at most ${MAX_WAITING} may`,
      { retryAfterMs: 1000 },
    );
  }

  #nextId(): number {
    do this.#counter = (this.#counter % MAX_ID) + 1;
    while (this.#calls.has(this.#counter));
    return this.#counter;
  }

  #receive(frame: Frame): void {
    const call = this.#calls.get(frame.id);
    if (call === undefined) return;
    try {
      const what = 'Cannot read the reply';
      const metadata = decodeMessage(frame.metadata, what, MAX_FRAME_BYTES);
      if (frame.kind === KIND.error) {
        call.reject(fromErrorBody(validate(ErrorBody, metadata, what) as ErrorBody));
      } else if (frame.kind === KIND.reply) {
        call.resolve(takenUp(isJsonObject(metadata) ? metadata : {}, frame.payload));
      } else return;
    } catch (thrown) {
      call.reject(thrown);
    }
    this.#calls.delete(frame.id);
  }

  /** Nobody waits for it any more; the agent is told, so that it does not run what has not begun. */
  #leave(id: number, why: unknown): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (this.#link.isUp) this.#link.send(encodeFrame({ kind: KIND.cancel, id }));
    call.reject(why);
  }

  #late(name: OperationName, timeoutMs: number): EdgeError {
    const passed = `${Math.round(timeoutMs)} ms have passed`;
    if (this.#link.isUp) {
      return new EdgeError('NO_REPLY', `Cannot wait any longer for the reply to '${name}': ${passed}`);
    }
    const { path } = this.#options;
    const { failure } = this.#link;
    return new EdgeError(
      'CONNECTION_LOST',
      `Cannot wait any longer for the agent's endpoint at ${path} for '${name}': ${passed}${failure === undefined ? '' : `, ${failure.message}`}`,
      {
        retryAfterMs: 1000,
        nextStep: "Check the path, and that 'endpoint' stands in the agent's configuration",
        cause: failure,
      },
    );
  }

  #rejectAll(error: EdgeError): void {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

/** @throws EdgeError INVALID_ARGUMENT (MESSAGE_TOO_LARGE) where it is called for more than a frame holds */
function encoderOf(
  id: number,
  op: OperationName,
  topic: string | undefined,
  request: Readonly<Record<string, unknown>>,
): (timeoutMs: number) => Uint8Array {
  const { body, payload } = laidOut(request);
  const model = topic === undefined ? undefined : modelOfPredictTopic(topic);
  return (timeoutMs) => {
    const head = { op, ...(model === undefined ? {} : { model }), timeoutMs: wireTimeout(timeoutMs), body };
    const frame = encodeFrame({ kind: KIND.request, id, metadata: encodeMessage(head), payload });
    const bytes = frame.byteLength - FRAME_HEADER_BYTES;
    if (bytes <= MAX_FRAME_BYTES) return frame;
    throw new EdgeError(
      'MESSAGE_TOO_LARGE',
      `Cannot send the request as a frame must have at most ${MAX_FRAME_BYTES} bytes: this one has ${bytes}`,
    );
  };
}
