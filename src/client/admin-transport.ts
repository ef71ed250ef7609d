import type { Socket } from 'node:net';
import { modelOfPredictTopic } from '../contract/mod.js';
import { EdgeError, isJsonObject, Listeners } from '../core/mod.js';
import type { ConnectionState, IncomingMessage, Transport } from '../ipc/mod.js';

/** A socket of this machine carries more than a topic of Greengrass: a model's 512 tensors, with all that they are called. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** Envelopes as lines. All replies come to the one who asks, so that a reply topic is only a name. */
export class AdminTransport implements Transport {
  readonly maxMessageBytes = MAX_REPLY_BYTES;
  readonly #socket: Socket;
  readonly #listeners = new Listeners<[message: IncomingMessage]>();
  readonly #connectionListeners = new Listeners<[state: ConnectionState, cause?: Error]>();
  #held = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const cause = new EdgeError('CONNECTION_LOST', 'The agent closed the connection');
      this.#connectionListeners.tell('ended', cause);
    });
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    if (this.#socket.destroyed) {
      throw new EdgeError('CONNECTION_LOST', 'Cannot send the request as the agent closed the connection');
    }
    const envelope: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    const model = modelOfPredictTopic(topic);
    const line = isJsonObject(envelope) && model !== undefined ? { ...envelope, model } : envelope;
    this.#socket.write(`${JSON.stringify(line)}\n`);
  }

  subscribe(_filter: string, listener: (message: IncomingMessage) => void): Promise<() => Promise<void>> {
    const end = this.#listeners.add(listener);
    return Promise.resolve(async () => end());
  }

  onConnection(listener: (state: ConnectionState, cause?: Error) => void): () => void {
    return this.#connectionListeners.add(listener);
  }

  close(): Promise<void> {
    this.#connectionListeners.clear();
    this.#socket.destroy();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #receive(text: string): void {
    const lines = `${this.#held}${text}`.split('\n');
    this.#held = lines.pop() ?? '';
    for (const line of lines) {
      const message = { topic: '', payload: new TextEncoder().encode(line), form: 'binary' as const };
      this.#listeners.tell(message);
    }
  }
}
