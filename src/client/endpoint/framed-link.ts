import { ErrorBody } from '../../contract/mod.js';
import {
  EdgeError,
  fullJitterMs,
  messageOf,
  toEdgeError,
  validate,
  type Clock,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { FrameReader, type Frame } from '../../framing/mod.js';
import { KIND, MAX_FRAME_BYTES, PREAMBLE } from '../../ipc/framed/mod.js';
import { decodeMessage, fromErrorBody } from '../../ipc/mod.js';
import { connectUnix, type ByteChannel, type ChannelListener } from '../../system/mod.js';

/** An agent that starts again is there within a second or two. */
const BACKOFF = { baseMs: 20, capMs: 500 };
const LEAST_PAUSE_MS = 10;

export interface FramedLinkOptions {
  readonly path: string;
  readonly hello: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Frames of all requests that have no answer yet; empty: no connection is needed. */
  readonly waiting: () => readonly Uint8Array[];
  /** An answer to a request. */
  readonly onFrame: (frame: Frame) => void;
  /** Trying again does not help: whoever waits should hear it. */
  readonly onHopeless: (error: EdgeError) => void;
}

/** The connection of a client to the endpoint: made when it is needed, and made anew while somebody waits. */
export class FramedLink {
  readonly #options: FramedLinkOptions;
  #channel: ByteChannel | undefined;
  #isUp = false;
  #isClosed = false;
  #tries = 0;
  #cancelPause: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(options: FramedLinkOptions) {
    this.#options = options;
  }

  /** What is sent goes out now. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why there is no connection, as far as that is known. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Sends a frame; where there is no connection one is made, and sends all that waits. */
  send(frame: Uint8Array): void {
    if (this.#isUp) this.#channel?.write(frame);
    else if (this.#channel === undefined && this.#cancelPause === undefined) this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    this.#isUp = false;
    this.#cancelPause?.();
    this.#channel?.destroy();
  }

  #connect(): void {
    if (this.#isClosed) return;
    this.#cancelPause = undefined;
    const reader = new FrameReader(MAX_FRAME_BYTES);
    const listener: ChannelListener = {
      onData: (chunk) => this.#read(reader, chunk),
      onDrain: () => undefined,
      onClose: (cause) => this.#lost(cause),
    };
    this.#channel = connectUnix(this.#options.path, listener, () => this.#opened());
  }

  #opened(): void {
    const { hello, waiting } = this.#options;
    this.#isUp = true;
    this.#failure = undefined;
    this.#channel?.write(Buffer.concat([PREAMBLE, hello, ...waiting()]));
  }

  #read(reader: FrameReader, chunk: Uint8Array): void {
    try {
      for (const frame of reader.push(chunk)) {
        if (frame.id !== 0) this.#options.onFrame(frame);
        else if (frame.kind === KIND.welcome) this.#tries = 0;
        else if (frame.kind === KIND.error) this.#refused(frame);
      }
    } catch (thrown) {
      this.#failure = toEdgeError(thrown);
      this.#options.logger.warn('The agent said what cannot be read', { reason: messageOf(thrown) });
      this.#channel?.destroy();
    }
  }

  /** The agent closes the connection behind this. */
  #refused(frame: Frame): void {
    const what = 'Cannot read the error';
    const error = fromErrorBody(validate(ErrorBody, decodeMessage(frame.metadata, what), what) as ErrorBody);
    this.#failure = error;
    if (error.code !== 'UNAVAILABLE' && error.code !== 'RESOURCE_EXHAUSTED') this.#options.onHopeless(error);
  }

  #lost(cause: Error | undefined): void {
    const { clock, random, waiting, onHopeless, path } = this.#options;
    this.#channel = undefined;
    this.#isUp = false;
    if (this.#isClosed) return;
    this.#failure = cause ?? this.#failure;
    if (isDenied(cause)) {
      onHopeless(
        new EdgeError('FILE_DENIED', `Cannot open the endpoint's socket ${path}: ${messageOf(cause)}`, {
          nextStep: "Run this app as the agent's user, or let its group in by 'endpoint.group'",
          cause,
        }),
      );
    }
    if (waiting().length === 0) return;
    const pauseMs = LEAST_PAUSE_MS + fullJitterMs(++this.#tries, BACKOFF, random);
    this.#cancelPause = clock.after(pauseMs, () => this.#connect());
  }
}

function isDenied(cause: Error | undefined): boolean {
  return cause !== undefined && 'code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM');
}
