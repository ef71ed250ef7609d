import {
  deferred,
  EdgeError,
  endsWithin,
  isJsonObject,
  messageOf,
  type Clock,
  type Deferred,
  type Json,
  type JsonObject,
} from '../../core/mod.js';
import {
  decodeFrame,
  encodeFrame,
  FrameSplitter,
  MESSAGE_TYPE,
  TERMINATE_STREAM,
  type Frame,
} from '../frames/mod.js';
import type { NucleusSocket } from './greeting.js';
import { NucleusRefusal } from './refusal.js';

const CALL_TIMEOUT_MS = 10_000;
/** What was written gets so long to leave. */
const CLOSE_MS = 1000;
/** At its end a nucleus that says nothing for twice so long is waited for no more: the first may have been our own. */
const SILENCE_MS = 250;
/** Any component may ask this, and both nuclei answer it in its turn, whatever that is. */
const FENCE = 'GetConfiguration';
/** Above the 24 MiB of the Java nucleus: what it lets through costs no connection. */
const MAX_FRAME_BYTES = 25 * 1024 * 1024;
const MAX_STREAM_ID = 2 ** 31 - 1;
const SHAPES = 'aws.greengrass#';

/** What a subscription hears of its stream. */
export interface StreamListener {
  onEvent(body: Json): void;
  /** The nucleus has ended it, although it had accepted it. */
  onEnd(): void;
}

/** A subscription on one connection. */
export interface NucleusStream {
  /** Resolves when the nucleus has accepted it; rejects as {@link Link.call} does. */
  readonly opened: Promise<unknown>;
  /**
   * Tells the nucleus that nobody listens any more, and resolves when all is heard that it had sent until it read that:
   * to whoever sent it, it is delivered. Never rejects; a nucleus that says nothing is not waited for.
   */
  close(): Promise<void>;
}

interface Stream {
  readonly answer: Deferred<Json>;
  readonly cancelTimer: () => void;
  /** Undefined: one answer, and nothing after it. */
  readonly listener: StreamListener | undefined;
  isAnswered: boolean;
  /** Whoever listens has said that this is the end. */
  isLeft: boolean;
}

/**
 * One connection, from the nucleus's answer to its end: event-stream RPC, in which each request is a stream of its own,
 * over a socket. Its first message is the answer, what follows are events.
 */
export class Link {
  readonly #socket: NucleusSocket;
  readonly #clock: Clock;
  readonly #life = new AbortController();
  readonly #splitter = new FrameSplitter(MAX_FRAME_BYTES);
  readonly #streams = new Map<number, Stream>();
  readonly #closed = deferred<void>();
  #fence: Promise<void> | undefined;
  #lastId = 0;

  constructor(socket: NucleusSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => this.lose(error));
    const closed = (): void => {
      this.#closed.resolve();
      this.lose(new Error('The nucleus closed the connection'));
    };
    socket.on('close', closed);
    if (socket.destroyed) closed();
    else socket.resume();
  }

  /** Aborts when the connection is lost or closed. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** What came from the nucleus so far. */
  get heardBytes(): number {
    return this.#socket.bytesRead;
  }

  /**
   * One request and its answer.
   * @param operation without its prefix, such as `PublishToTopic`
   * @throws NucleusRefusal where the nucleus says no; EdgeError NO_REPLY after ten seconds, or why the connection ended
   */
  async call(operation: string, request: JsonObject): Promise<Json> {
    return await this.#begin(operation, request).stream.answer.promise;
  }

  open(operation: string, request: JsonObject, listener: StreamListener): NucleusStream {
    const { id, stream } = this.#begin(operation, request, listener);
    const close = async (): Promise<void> => await this.#leave(id);
    // An answer that comes too late would open what nobody listens to.
    stream.answer.promise.catch(close);
    return { opened: stream.answer.promise, close };
  }

  /** Takes it for lost, whatever its socket says. */
  lose(cause: Error): void {
    if (this.signal.aborted) return;
    this.#end(new EdgeError('CONNECTION_LOST', 'The connection to Greengrass was lost', { cause }));
    this.#socket.destroy();
  }

  /** Resolves when all that was asked is answered, or the nucleus says nothing any more. Never rejects. */
  async settle(): Promise<void> {
    for (;;) {
      // What was heard or ended just now leads to requests of its own.
      await this.#clock.sleep(0);
      const open = [...this.#streams.values()].filter(({ isAnswered }) => !isAnswered);
      if (open.length === 0) return;
      const isOver = await this.#patiently(Promise.allSettled(open.map(({ answer }) => answer.promise)));
      if (!isOver) return;
    }
  }

  /** Always settles. */
  async close(reason: EdgeError): Promise<void> {
    if (!this.signal.aborted) this.#end(reason);
    this.#socket.destroySoon();
    if (!(await endsWithin(this.#clock, CLOSE_MS, this.#closed.promise))) this.#socket.destroy();
  }

  #begin(
    operation: string,
    request: JsonObject,
    listener?: StreamListener,
  ): { readonly id: number; readonly stream: Stream } {
    this.signal.throwIfAborted();
    const id = ++this.#lastId;
    const late = (): void => {
      this.#streams.delete(id);
      answer.reject(new EdgeError('NO_REPLY', `Greengrass IPC did not answer within ${CALL_TIMEOUT_MS} ms`));
    };
    const answer = deferred<Json>();
    const cancelTimer = this.#clock.after(CALL_TIMEOUT_MS, late, { unref: true });
    const stream = { answer, cancelTimer, listener, isAnswered: false, isLeft: false };
    this.#streams.set(id, stream);
    const payload = Buffer.from(JSON.stringify(request));
    this.#send({ streamId: id, flags: 0, operation: `${SHAPES}${operation}`, payload });
    // The next connection counts from one again.
    if (id === MAX_STREAM_ID) this.lose(new Error('The connection has no stream left'));
    return { id, stream };
  }

  #send(frame: Omit<Parameters<typeof encodeFrame>[0], 'type'>): void {
    this.#socket.write(encodeFrame({ type: MESSAGE_TYPE.applicationMessage, ...frame }));
  }

  async #leave(streamId: number): Promise<void> {
    if (this.signal.aborted) return;
    this.#send({ streamId, flags: TERMINATE_STREAM });
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.isLeft = true;
    this.#fence ??= this.#passFence();
    await this.#fence;
    this.#streams.delete(streamId);
  }

  /** Neither nucleus confirms the end of a stream: what is asked after it is answered after the stream's last event. */
  async #passFence(): Promise<void> {
    // Streams that end together have one.
    await Promise.resolve();
    this.#fence = undefined;
    await this.#patiently(this.call(FENCE, { keyPath: [] })).catch(() => undefined);
  }

  /** Waits for it as long as the nucleus goes on saying something. @returns whether it has ended */
  async #patiently(work: Promise<unknown>): Promise<boolean> {
    for (let silences = 0; silences < 2;) {
      const { heardBytes } = this;
      if (await endsWithin(this.#clock, SILENCE_MS, work)) return true;
      silences = this.heardBytes === heardBytes ? silences + 1 : 0;
    }
    return false;
  }

  #receive(chunk: Uint8Array): void {
    let frames: Frame[];
    try {
      frames = this.#splitter.push(chunk).map(decodeFrame);
    } catch (thrown) {
      this.lose(new Error(messageOf(thrown), { cause: thrown }));
      return;
    }
    for (const frame of frames) this.#take(frame);
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case MESSAGE_TYPE.applicationMessage:
        this.#message(frame);
        break;
      case MESSAGE_TYPE.applicationError:
        this.#refused(frame);
        break;
      case MESSAGE_TYPE.protocolError:
      case MESSAGE_TYPE.internalError:
        this.lose(new Error(`The nucleus gave the connection up: ${textOf(frame)}`));
        break;
      default:
        // No nucleus pings, and a newer one may say what we need not know.
        break;
    }
  }

  #message(frame: Frame): void {
    const stream = this.#streams.get(frame.streamId);
    if (stream === undefined) return;
    const { listener } = stream;
    const isOver = (frame.flags & TERMINATE_STREAM) !== 0;
    if (isOver || listener === undefined) this.#streams.delete(frame.streamId);
    if (!stream.isAnswered) this.#answered(stream, frame);
    else if (frame.payload.byteLength > 0) listener?.onEvent(jsonOf(frame));
    if (isOver && !stream.isLeft) listener?.onEnd();
  }

  #answered(stream: Stream, frame: Frame): void {
    stream.isAnswered = true;
    stream.cancelTimer();
    stream.answer.resolve(frame.payload.byteLength === 0 ? {} : jsonOf(frame));
  }

  #refused(frame: Frame): void {
    const stream = this.#streams.get(frame.streamId);
    if (stream === undefined) return;
    this.#streams.delete(frame.streamId);
    stream.cancelTimer();
    if (!stream.isAnswered) stream.answer.reject(refusalOf(frame));
    else if (!stream.isLeft) stream.listener?.onEnd();
  }

  #end(reason: EdgeError): void {
    this.#life.abort(reason);
    for (const { answer, cancelTimer } of this.#streams.values()) {
      cancelTimer();
      answer.reject(reason);
    }
    this.#streams.clear();
  }
}

function textOf({ payload }: Frame): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8');
}

/** Undefined where it is no JSON: no nucleus sends that, and whoever reads it says what it wanted. */
function jsonOf(frame: Frame): Json {
  try {
    return JSON.parse(textOf(frame)) as Json;
  } catch {
    return null;
  }
}

function refusalOf(frame: Frame): NucleusRefusal {
  const body = frame.shape === undefined ? null : jsonOf(frame);
  return new NucleusRefusal(frame.shape?.replace(SHAPES, ''), isJsonObject(body) ? body : {}, textOf(frame));
}
