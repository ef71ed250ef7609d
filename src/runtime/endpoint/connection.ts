import { operations, predictTopic, type OperationName, type ReplyEnvelope } from '../../contract/mod.js';
import { EdgeError, toEdgeError, validate, type Clock, type Logger } from '../../core/mod.js';
import { encodeFrame, FrameReader, type Frame } from '../../framing/mod.js';
import {
  FRAMED_INLINE_BYTES,
  FRAMED_PROTOCOL,
  HEAD_ROOM_BYTES,
  Hello,
  KIND,
  laidOut,
  MAX_FRAME_BYTES,
  PREAMBLE,
  RequestHead,
  takenUp,
  type Welcome,
} from '../../ipc/framed/mod.js';
import { decodeMessage, encodeMessage, toErrorBody, type Responder } from '../../ipc/mod.js';
import type { ByteChannel, ChannelListener } from '../../system/mod.js';
import type { EndpointGate } from './gate.js';

const MAX_REQUESTS = 64;
const MAX_UNDER_WAY_BYTES = 4 * 1024 * 1024;
/** Replies that the other side has not read: beyond this no more requests of it are read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** For the hello, for the rest of a frame, and for reading some of the replies. */
const PATIENCE_MS = 10_000;

/** What all connections have in common. */
export interface ConnectionHouse {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Logger;
  readonly responder: Pick<Responder, 'answer'>;
  readonly gate: EndpointGate;
  readonly welcome: Welcome;
  /** Bytes of requests under way over all connections, this one's as they come and go. */
  readonly underWay: { bytes: number };
  readonly maxUnderWayBytes: number;
  /** It said who it is. `client` is unique to a session, `caller` whom its requests count for. */
  readonly onHello: (hello: Hello) => { readonly client: string; readonly caller: string };
  /** It owes something, so that it is to be looked at now and then until it does not. */
  readonly onOwing: (connection: FramedConnection) => void;
  readonly onGone: (connection: FramedConnection) => void;
}

interface Open {
  readonly stop: AbortController;
  readonly bytes: number;
}

/**
 * One connection to the framed face (docs/protocol/framed.md). It translates and holds the other side to its limits;
 * what is asked is decided by the same handlers as over IPC.
 */
export class FramedConnection implements ChannelListener {
  readonly #channel: ByteChannel;
  readonly #house: ConnectionHouse;
  readonly #reader = new FrameReader(MAX_FRAME_BYTES);
  readonly #open = new Map<number, Open>();
  /** Read and not begun, as there are as many under way as may. */
  #held: Frame[] = [];
  #preambleLeft = PREAMBLE;
  #identity: { readonly client: string; readonly caller: string } | undefined;
  #openBytes = 0;
  #paused = false;
  #over = false;
  #owing = false;
  #owesSinceMs: number;
  #unsentBytes = 0;
  /** When it last said something, for whoever looks for room. */
  lastHeardMs: number;

  constructor(channel: ByteChannel, house: ConnectionHouse) {
    this.#channel = channel;
    this.#house = house;
    this.lastHeardMs = house.clock.monotonicMs();
    this.#owesSinceMs = this.lastHeardMs;
    this.#look();
  }

  /** Undefined before its hello. */
  get client(): string | undefined {
    return this.#identity?.client;
  }

  /** Nothing of it is under way: it may be closed, and comes back when it needs to. */
  get isIdle(): boolean {
    return !this.#over && this.#open.size === 0 && this.#held.length === 0;
  }

  onData(chunk: Uint8Array): void {
    if (this.#over) return;
    this.lastHeardMs = this.#house.clock.monotonicMs();
    try {
      const rest = this.#preambleLeft.length === 0 ? chunk : this.#afterPreamble(chunk);
      const frames = this.#reader.push(rest);
      // Who sends a frame a byte at a time has no more time for it.
      if (frames.length > 0) this.#owesSinceMs = this.lastHeardMs;
      this.#held.push(...frames);
    } catch (thrown) {
      this.refuse(toEdgeError(thrown));
    }
    this.#work();
  }

  onDrain(): void {
    this.#work();
  }

  onClose(): void {
    this.#over = true;
    this.#held = [];
    for (const { stop } of this.#open.values()) stop.abort();
    this.#house.onGone(this);
  }

  /** Says why, and closes. */
  refuse(error: EdgeError): void {
    if (this.#over) return;
    this.#house.logger.debug('A connection to the endpoint was closed', { reason: error.message });
    this.#write(KIND.error, 0, toErrorBody(error));
    this.end();
    // What it still sends is read and dropped, so that the error gets through.
    this.#channel.resume();
  }

  /** Sends what is answered, and closes. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#held = [];
    this.#channel.end();
    this.#owesSinceMs = this.#house.clock.monotonicMs();
    this.#look();
  }

  /** Closes at once. */
  drop(): void {
    this.#over = true;
    this.#channel.destroy();
  }

  /** Closes it where it has owed something for too long. @returns whether it still owes */
  patienceLeft(nowMs: number): boolean {
    const { unsentBytes } = this.#channel;
    if (unsentBytes < this.#unsentBytes) this.#owesSinceMs = nowMs;
    this.#unsentBytes = unsentBytes;
    this.#owing = this.#owes();
    if (!this.#owing || nowMs - this.#owesSinceMs < PATIENCE_MS) return this.#owing;
    if (this.#over || unsentBytes > 0) {
      this.#house.logger.debug('A connection to the endpoint was closed as its other end does not read');
      this.drop();
      return false;
    }
    const what = this.#identity === undefined ? 'no hello' : 'only a part of it';
    this.refuse(
      new EdgeError('MESSAGE_UNREADABLE', `Cannot read the frame as ${what} came within ${PATIENCE_MS} ms`),
    );
    return true;
  }

  /** Begins what may begin, and reads on or stops reading. */
  #work(): void {
    while (!this.#over && this.#held.length > 0 && !this.#isFull()) {
      const frame = this.#held.shift();
      try {
        if (frame !== undefined) this.#take(frame);
      } catch (thrown) {
        this.refuse(toEdgeError(thrown));
      }
    }
    const pause = !this.#over && (this.#held.length > 0 || this.#isFull());
    if (pause !== this.#paused) {
      this.#paused = pause;
      if (pause) this.#channel.pause();
      else this.#channel.resume();
    }
    this.#look();
  }

  #isFull(): boolean {
    const { underWay, maxUnderWayBytes } = this.#house;
    return (
      this.#open.size >= MAX_REQUESTS ||
      this.#openBytes >= MAX_UNDER_WAY_BYTES ||
      (this.#open.size > 0 && underWay.bytes >= maxUnderWayBytes) ||
      this.#channel.unsentBytes >= MAX_UNSENT_BYTES
    );
  }

  #owes(): boolean {
    const isMidFrame = !this.#reader.idle && !this.#paused;
    return this.#identity === undefined || isMidFrame || this.#over || this.#channel.unsentBytes > 0;
  }

  #look(): void {
    if (this.#owing || !this.#owes()) return;
    this.#owing = true;
    this.#owesSinceMs = this.#house.clock.monotonicMs();
    this.#house.onOwing(this);
  }

  #afterPreamble(chunk: Uint8Array): Uint8Array {
    const count = Math.min(this.#preambleLeft.length, chunk.length);
    for (let index = 0; index < count; index++) {
      if (chunk[index] !== this.#preambleLeft[index]) {
        // Another protocol's, which would not understand a frame either.
        this.drop();
        return chunk.subarray(chunk.length);
      }
    }
    this.#preambleLeft = this.#preambleLeft.subarray(count);
    return chunk.subarray(count);
  }

  #take(frame: Frame): void {
    if (this.#identity === undefined && frame.kind !== KIND.hello) {
      throw new EdgeError('MESSAGE_UNREADABLE', 'Cannot read the frame as the first one must be a hello');
    }
    switch (frame.kind) {
      case KIND.hello:
        this.#greet(frame);
        break;
      case KIND.request:
        this.#begin(frame);
        break;
      case KIND.cancel:
        this.#cancel(frame.id);
        break;
      default:
        // A newer client may say more.
        break;
    }
  }

  #greet(frame: Frame): void {
    if (this.#identity !== undefined) return;
    const what = 'Cannot read the hello';
    const hello = validate(Hello, decodeMessage(frame.metadata, what), what);
    if (hello.protocol !== FRAMED_PROTOCOL) {
      throw new EdgeError(
        'PROTOCOL_UNKNOWN',
        `Cannot speak with the client as its protocol must be ${FRAMED_PROTOCOL}: current value is ${hello.protocol}`,
        { field: 'protocol', nextStep: 'Use a client of the same release as the agent, or an older one' },
      );
    }
    this.#identity = this.#house.onHello(hello);
    this.#write(KIND.welcome, 0, this.#house.welcome);
  }

  #begin(frame: Frame): void {
    const { id } = frame;
    // Answers go to ids: one that is under way has its answer coming.
    if (this.#open.has(id)) return;
    const bytes = frame.metadata.length + frame.payload.length;
    const open: Open = { stop: new AbortController(), bytes };
    this.#open.set(id, open);
    this.#openBytes += bytes;
    this.#house.underWay.bytes += bytes;
    this.#answer(frame, open.stop.signal).then(
      (reply) => this.#finish(id, open, reply),
      (thrown: unknown) => this.#finish(id, open, { ok: false, error: toErrorBody(toEdgeError(thrown)) }),
    );
  }

  #cancel(id: number): void {
    this.#open.get(id)?.stop.abort();
  }

  #finish(id: number, { stop, bytes }: Open, reply: Answer): void {
    this.#open.delete(id);
    this.#openBytes -= bytes;
    this.#house.underWay.bytes -= bytes;
    if (!stop.signal.aborted) {
      if (!reply.ok) this.#write(KIND.error, id, reply.error);
      else this.#reply(id, reply.body);
    }
    this.#work();
  }

  async #answer(frame: Frame, signal: AbortSignal): Promise<Answer> {
    const { gate, responder } = this.#house;
    const { client, caller } = this.#identity ?? { client: '', caller: '' };
    const what = 'Cannot read the request';
    const head = validate(RequestHead, decodeMessage(frame.metadata, what, MAX_FRAME_BYTES), what);
    gate.check(head);
    const { op, timeoutMs } = head;
    const body = takenUp(head.body, frame.payload);
    const request = { v: 1 as const, id: String(frame.id), replyTo: client, timeoutMs, op, body };
    const rawInlineBytes =
      body['outputFile'] === undefined ? MAX_FRAME_BYTES - HEAD_ROOM_BYTES : FRAMED_INLINE_BYTES;
    const reply = await responder.answer(request, topicOf(head), client, caller, { rawInlineBytes, signal });
    return reply.ok ? { ok: true, body: gate.shown(op, reply.body) } : reply;
  }

  #reply(id: number, reply: Record<string, unknown>): void {
    const { body, payload } = laidOut(reply);
    this.#write(KIND.reply, id, body, payload);
  }

  #write(kind: number, id: number, metadata: object, payload: readonly Uint8Array[] = []): void {
    if (this.#over) return;
    this.#channel.write(encodeFrame({ kind, id, metadata: encodeMessage(metadata), payload }));
  }
}

type Answer =
  | { readonly ok: true; readonly body: Record<string, unknown> }
  | Pick<Extract<ReplyEnvelope, { ok: false }>, 'ok' | 'error'>;

function topicOf({ op, model }: RequestHead): string {
  if (op === 'predict') {
    if (model !== undefined) return predictTopic(model);
    throw new EdgeError('FIELD_MISSING', "Cannot predict as 'model' is missing", { field: 'model' });
  }
  return Object.hasOwn(operations, op) ? operations[op as OperationName].topic : '';
}
