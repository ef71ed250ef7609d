import { createServer, type Server, type Socket } from 'node:net';
import { rm } from 'node:fs/promises';
import {
  CONNECTION_ACCEPTED,
  decodeFrame,
  encodeFrame,
  FrameSplitter,
  MESSAGE_TYPE,
  TERMINATE_STREAM,
  type Frame,
} from '../../src/ipc/frames/mod.js';
import { systemClock } from '../../src/system/mod.js';

/** What becomes of a connection. */
export interface Mood {
  /** Answers the connect message; default true. */
  readonly answers?: boolean;
  /** Reads what comes after the connect message; default true. */
  readonly listens?: boolean;
  /** Destroys the socket so long after its begin. */
  readonly destroysAfterMs?: number;
  /** Topics whose subscription gets no answer. */
  readonly ignores?: readonly string[];
  /** Topics whose subscription is refused. */
  readonly refuses?: readonly string[];
}

/** An IPC server that says yes to whatever it is asked, and closes connections as its mood is. */
export class MoodyIpcServer implements AsyncDisposable {
  readonly socketPath: string;
  mood: () => Mood = () => ({});
  accepted = 0;
  /** Connections that were answered. */
  answered = 0;
  /** Requests that were answered. */
  calls = 0;
  onSubscribe = (): void => undefined;
  /** Topics, one for each subscription asked for. */
  readonly subscribed: string[] = [];
  /** Stream ids that a client ended. */
  readonly terminated: number[] = [];
  readonly #allowed = new Set<string>();
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Map<Socket, Map<string, number>>();
  #server: Server | undefined;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  get live(): number {
    return this.#sockets.size;
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket, this.mood()));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
  }

  /** As a nucleus that stops: all at once, whatever is under way. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  /** Whatever the mood of a connection was when it began. */
  allow(topic: string): void {
    this.#allowed.add(topic);
  }

  /** Connections stay open and come, and none is answered, until it is told otherwise: as where a daemon has locked itself up. */
  isStuck = false;

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** A message to every subscription of the topic. */
  send(topic: string, text: string): void {
    const message = Buffer.from(text).toString('base64');
    const payload = Buffer.from(JSON.stringify({ binaryMessage: { message, context: { topic } } }));
    for (const [socket, streams] of this.#streams) {
      const streamId = streams.get(topic);
      if (streamId !== undefined) socket.write(event(streamId, payload));
    }
  }

  /** Whatever bytes, to every connection. */
  write(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  /** Ends every subscription of the topic, as no nucleus should. */
  endStreams(topic: string): void {
    for (const [socket, streams] of this.#streams) {
      const streamId = streams.get(topic);
      if (streamId === undefined) continue;
      const type = MESSAGE_TYPE.applicationMessage;
      socket.write(encodeFrame({ type, flags: TERMINATE_STREAM, streamId }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.socketPath, { force: true });
  }

  #serve(socket: Socket, mood: Mood): void {
    this.accepted++;
    this.#sockets.add(socket);
    this.#streams.set(socket, new Map());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#streams.delete(socket);
    });
    const { destroysAfterMs, answers = true, listens = true } = mood;
    if (destroysAfterMs === 0) return void socket.destroy();
    if (destroysAfterMs !== undefined) {
      systemClock.after(destroysAfterMs, () => socket.destroy(), { unref: true });
    }
    const splitter = new FrameSplitter(64 * 1024);
    socket.on('data', (chunk) => {
      if (!answers || this.isStuck) return;
      for (const frame of splitter.push(chunk)) this.#answer(socket, decodeFrame(frame), mood);
      if (!listens) socket.pause();
    });
  }

  #answer(socket: Socket, { type, flags, streamId, operation, payload }: Frame, mood: Mood): void {
    if (type === MESSAGE_TYPE.connect) {
      this.answered++;
      socket.write(encodeFrame({ type: MESSAGE_TYPE.connectAck, flags: CONNECTION_ACCEPTED, streamId: 0 }));
      return;
    }
    if ((flags & TERMINATE_STREAM) !== 0) this.terminated.push(streamId);
    if ((flags & TERMINATE_STREAM) !== 0 || operation === undefined) return;
    const isStreaming = operation.includes('Subscribe');
    const { topic = '' } = JSON.parse(Buffer.from(payload).toString()) as { topic?: string };
    this.calls++;
    if (isStreaming) {
      this.subscribed.push(topic);
      this.onSubscribe();
    }
    if (isStreaming && mood.ignores?.includes(topic) === true) return;
    if (isStreaming && mood.refuses?.includes(topic) === true && !this.#allowed.has(topic)) {
      socket.write(refusal(streamId));
      return;
    }
    if (isStreaming) this.#streams.get(socket)?.set(topic, streamId);
    socket.write(
      encodeFrame({
        type: MESSAGE_TYPE.applicationMessage,
        flags: isStreaming ? 0 : TERMINATE_STREAM,
        streamId,
        contentType: 'application/json',
        shape: `${operation}Response`,
        payload: Buffer.from('{}'),
      }),
    );
  }
}

function event(streamId: number, payload: Uint8Array): Uint8Array {
  return encodeFrame({
    type: MESSAGE_TYPE.applicationMessage,
    flags: 0,
    streamId,
    contentType: 'application/json',
    shape: 'aws.greengrass#SubscriptionResponseMessage',
    payload,
  });
}

function refusal(streamId: number): Uint8Array {
  return encodeFrame({
    type: MESSAGE_TYPE.applicationError,
    flags: TERMINATE_STREAM,
    streamId,
    contentType: 'application/json',
    shape: 'aws.greengrass#UnauthorizedError',
    payload: Buffer.from(JSON.stringify({ message: 'Not Authorized', _errorCode: 'UnauthorizedError' })),
  });
}
