import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { deferred, type Random } from '../../core/mod.js';
import { join } from '../../disk/mod.js';
import { CONNECTION_ACCEPTED, decodeFrame, encodeFrame, FrameSplitter, MESSAGE_TYPE } from '../frames/mod.js';

const MAX_FIRST_BYTES = 64 * 1024;

/** The device client's way to a connection that a nucleus has accepted. */
export interface Relay {
  /** Where the device client connects, once. */
  readonly socketPath: string;
  /** What it must say then: nobody else knows it. */
  readonly token: string;
  /** Resolves when the nucleus's side has gone, whoever closed it. */
  readonly lost: Promise<Error>;
  /** What came from the nucleus so far. */
  readonly heardBytes: number;
  /** Lets nothing more reach the nucleus: what the client still writes is read and dropped. */
  cut(): void;
  /** What was dropped so far. */
  readonly droppedBytes: number;
  /** Closes the nucleus's side. The device client's own side is never cut: that aborts the process in its native code. */
  close(): Promise<void>;
}

/**
 * Stands between the device client and the nucleus. The client's native code aborts the process when its peer closes
 * while it connects, or while a write is under way; this peer never does. When the nucleus goes, what the client still
 * writes is read and dropped until the client itself has closed.
 */
export async function openRelay(nucleus: Socket, random: Random): Promise<Relay> {
  const folder = await ownFolder();
  const socketPath = join(folder, 's');
  const token = random.hex(32);
  const remove = async (): Promise<void> => await rm(folder, { recursive: true, force: true });
  // Once the client is in, nobody needs the folder: a process that is killed later leaves none behind.
  const admitted = (): void => {
    server.close();
    remove().catch(() => undefined);
  };
  const dropped = { bytes: 0 };
  const server = createServer({ allowHalfOpen: true }, (client) =>
    admit(client, token, () => {
      admitted();
      pass(client, nucleus, dropped);
    }),
  );
  const gone = deferred<Error>();
  nucleus.on('error', (error) => gone.resolve(error));
  nucleus.on('close', () => gone.resolve(new Error('The nucleus closed the connection')));
  nucleus.on('end', () => nucleus.destroy());
  try {
    await listen(server, socketPath);
  } catch (thrown) {
    nucleus.destroy();
    await remove();
    throw thrown;
  }
  server.unref();
  if (nucleus.destroyed) gone.resolve(new Error('The nucleus closed the connection'));
  return {
    socketPath,
    token,
    lost: gone.promise,
    get heardBytes() {
      return nucleus.bytesRead;
    },
    cut: () => nucleus.destroy(),
    get droppedBytes() {
      return dropped.bytes;
    },
    close: async () => {
      nucleus.destroySoon();
      server.close();
      await remove();
    },
  };
}

/** For temporary files, or where those may not be written the working folder, which a component may write to. */
async function ownFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'ipc-'));
  } catch {
    return await mkdtemp(join('.', 'ipc-'));
  }
}

async function listen(server: Server, socketPath: string): Promise<void> {
  const listening = deferred<void>();
  server.once('error', listening.reject);
  server.listen(socketPath, () => listening.resolve());
  await listening.promise;
  await chmod(socketPath, 0o600);
}

/** The one client gets the answer that the nucleus gave to us; from then on bytes pass as they are. */
function admit(client: Socket, token: string, admitted: () => void): void {
  const splitter = new FrameSplitter(MAX_FIRST_BYTES);
  client.on('error', () => client.destroy());
  const first = (chunk: Uint8Array): void => {
    try {
      const [frame] = splitter.push(chunk);
      if (frame === undefined) return;
      client.off('data', first);
      if (!knows(decodeFrame(frame).payload, token)) return void client.destroy();
    } catch {
      return void client.destroy();
    }
    client.write(encodeFrame({ type: MESSAGE_TYPE.connectAck, flags: CONNECTION_ACCEPTED, streamId: 0 }));
    admitted();
  };
  client.on('data', first);
}

function pass(client: Socket, nucleus: Socket, dropped: { bytes: number }): void {
  client.pipe(nucleus);
  nucleus.pipe(client, { end: false });
  const drain = (): void => {
    client.unpipe(nucleus);
    client.on('data', (chunk) => (dropped.bytes += chunk.byteLength)).resume();
  };
  nucleus.on('close', drain);
  if (nucleus.destroyed) drain();
  // The client has closed by itself.
  client.on('end', () => client.end());
}

function knows(payload: Uint8Array, token: string): boolean {
  const words = JSON.parse(Buffer.from(payload).toString('utf8')) as { readonly authToken?: unknown };
  return words.authToken === token;
}
