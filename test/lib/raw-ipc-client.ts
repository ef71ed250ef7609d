import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { JsonObject } from '../../src/core/mod.js';
import {
  decodeFrame,
  encodeFrame,
  FrameSplitter,
  MESSAGE_TYPE,
  type Frame,
} from '../../src/ipc/frames/mod.js';
import { Inbox } from './ipc-harness.js';

/**
 * A client that sends any frame, for what the official client would never do, and for refused subscriptions: when the
 * nucleus ends a stream at once, the official client's `activate()` now and then never settles.
 */
export class RawIpcClient {
  readonly socket: Socket;
  readonly frames = new Inbox<Frame>();
  readonly ended: Promise<unknown>;
  #nextStreamId = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    // `once` would reject at a reset.
    this.ended = new Promise((resolve) => socket.once('close', resolve));
    const splitter = new FrameSplitter(64 * 1024 * 1024);
    socket.on('data', (chunk) => {
      for (const frame of splitter.push(chunk)) this.frames.push(decodeFrame(frame));
    });
    socket.on('error', () => undefined);
  }

  static async open(socketPath: string): Promise<RawIpcClient> {
    const socket = connect(socketPath);
    await once(socket, 'connect');
    return new RawIpcClient(socket);
  }

  /** Opens a connection and authenticates it. */
  static async connect(socketPath: string, token: string): Promise<RawIpcClient> {
    const client = await RawIpcClient.open(socketPath);
    client.send({
      type: MESSAGE_TYPE.connect,
      flags: 0,
      streamId: 0,
      version: '0.1.0',
      payload: json({ authToken: token }),
    });
    await client.frames.until(1);
    return client;
  }

  send(frame: Parameters<typeof encodeFrame>[0]): void {
    this.socket.write(encodeFrame(frame));
  }

  /** Sends a request on a new stream; text goes as it is. @returns its stream id */
  request(operation: string, body: JsonObject | string): number {
    const streamId = this.#nextStreamId++;
    this.send({
      type: MESSAGE_TYPE.applicationMessage,
      flags: 0,
      streamId,
      operation: `aws.greengrass#${operation}`,
      payload: typeof body === 'string' ? Buffer.from(body) : json(body),
    });
    return streamId;
  }

  /** Sends a request and waits for its answer, whatever that is. */
  async call(operation: string, body: JsonObject): Promise<Frame> {
    const streamId = this.request(operation, body);
    for (let count = this.frames.received.length; ; count++) {
      const answer = this.frames.received.find((frame) => frame.streamId === streamId);
      if (answer !== undefined) return answer;
      await this.frames.until(count + 1);
    }
  }
}

export function json(body: JsonObject): Uint8Array {
  return Buffer.from(JSON.stringify(body));
}
