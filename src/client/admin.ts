import { connect, type Socket } from 'node:net';
import { modelOfPredictTopic } from '../contract/mod.js';
import { EdgeError, isJsonObject, Listeners, messageOf, silentLogger } from '../core/mod.js';
import { systemClock, systemRandom } from '../system/mod.js';
import type { ConnectionState, IncomingMessage, Transport } from '../ipc/mod.js';
import { EdgeManagerClient } from './client.js';

/** The client over the agent's admin socket, for shells: no Greengrass, no SVCUID, the agent's own user only. */
export interface AdminClient extends AsyncDisposable {
  readonly client: EdgeManagerClient;
  close(): Promise<void>;
}

/**
 * Connects to `<agent work>/admin.sock`.
 * @throws EdgeError UNAVAILABLE where no agent answers, PERMISSION_DENIED where it runs as another user
 */
export async function connectAdmin(path: string): Promise<AdminClient> {
  const transport = new AdminTransport(await open(path));
  const client = await EdgeManagerClient.open({
    transport,
    component: 'local',
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    uid: process.getuid?.(),
  });
  const close = async (): Promise<void> => {
    await client.close();
    await transport.close();
  };
  return { client, close, [Symbol.asyncDispose]: close };
}

/** Envelopes as lines. All replies come to the one who asks, so that a reply topic is only a name. */
class AdminTransport implements Transport {
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
      this.#connectionListeners.tell('lost', cause);
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

async function open(path: string): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => reject(refused(path, error)));
  });
}

function refused(path: string, cause: Error): EdgeError {
  const denied = 'code' in cause && cause.code === 'EACCES';
  return denied
    ? new EdgeError('FILE_DENIED', `Cannot open the admin socket at ${path}: ${messageOf(cause)}`, {
        nextStep: "Run this command as the agent's own user",
        cause,
      })
    : new EdgeError('AGENT_UNREACHABLE', `Cannot reach the agent at ${path}: ${messageOf(cause)}`, {
        nextStep: 'Check that the agent runs, and give its work folder with --work',
        cause,
      });
}
