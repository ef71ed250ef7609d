import { chmodSync, chownSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { EdgeError, messageOf } from '../core/mod.js';

/** Room for a path in a unix socket's address, its end included. */
const MAX_PATH_BYTES = 107;
/** As much as the system gives a reader at once. */
const READ_BYTES = 64 * 1024;

/** One end of a connection of bytes. */
export interface ByteChannel {
  write(bytes: Uint8Array): void;
  /** Bytes that were written here and that the system has not taken yet, as the other side does not read. */
  readonly unsentBytes: number;
  /** Reads no more until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends what was written, and closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Who hears of a channel. None may throw. */
export interface ChannelListener {
  onData(chunk: Uint8Array): void;
  /** All that was written has gone out, after some of it had to wait. */
  onDrain(): void;
  /** Once, whoever closed it. */
  onClose(cause: Error | undefined): void;
}

export interface UnixListenOptions {
  readonly path: string;
  /** For errors, such as `the endpoint`. */
  readonly what: string;
  /** Name or number of the group that may connect beside the owner; absent: the owner alone. */
  readonly group?: string | undefined;
  readonly onConnection: (channel: ByteChannel) => ChannelListener;
}

export interface UnixListener {
  /** Takes no more connections, and removes the socket; those that are there go on. */
  close(): Promise<void>;
}

/**
 * Listens on a unix socket that only its owner, or its owner and one group, may open. A socket file that nobody answers
 * is replaced.
 * @throws EdgeError ALREADY_EXISTS (SOCKET_TAKEN) where somebody answers there, FAILED_PRECONDITION (ENVIRONMENT_UNFIT)
 * where the path or the group can't be used
 */
export async function listenUnix(options: UnixListenOptions): Promise<UnixListener> {
  const { path, what, group, onConnection } = options;
  const groupId = group === undefined ? undefined : groupIdOf(group, what);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSocket() === false) throw unfit(what, `its path is taken: ${path} is no socket`);
  await clearSocketPath(path, what);
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    attach(socket, onConnection(channelOf(socket)));
  });
  await listenPrivately(server, path, what);
  try {
    if (groupId !== undefined) chownSync(path, -1, groupId);
    chmodSync(path, groupId === undefined ? 0o600 : 0o660);
  } catch (cause) {
    server.close();
    throw unfit(what, `its rights can't be set: ${messageOf(cause)}`, cause);
  }
  return {
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Connects to a unix socket; `onOpen` tells that it is there, `onClose` of the listener that it can't be had. */
export function connectUnix(path: string, listener: ChannelListener, onOpen: () => void): ByteChannel {
  // One buffer for good: made anew for each read it costs more than the copy of what is read.
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (count: number): boolean => {
    listener.onData(Buffer.from(buffer.subarray(0, count)));
    return true;
  };
  const socket = connect({ path, onread: { buffer, callback } });
  socket.once('connect', onOpen);
  attachEvents(socket, listener);
  return channelOf(socket);
}

/**
 * Makes room for a socket at a path: one that nobody answers is what a kill left behind, and is removed.
 * @throws EdgeError ALREADY_EXISTS (SOCKET_TAKEN) where somebody answers there, FAILED_PRECONDITION (ENVIRONMENT_UNFIT)
 * where the path is too long, or can't be made free
 */
export async function clearSocketPath(path: string, what: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw unfit(what, `its path must have at most ${MAX_PATH_BYTES} bytes: ${path}`);
  }
  if (await isAnswered(path)) {
    throw new EdgeError('SOCKET_TAKEN', `Cannot open ${what} as another agent answers at ${path}`, {
      nextStep: 'Stop the other agent: one work folder serves one agent',
    });
  }
  try {
    rmSync(path, { force: true });
  } catch (cause) {
    throw unfit(what, `its path is taken: ${messageOf(cause)}`, cause);
  }
}

/** Resolves when the server listens; its socket is the owner's alone from the first moment on. */
export async function listenPrivately(server: Server, path: string, what: string): Promise<void> {
  const before = process.umask(0o077);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(unfit(what, `${path}: ${messageOf(cause)}`, cause)));
      // It binds before it returns.
      server.listen(path, () => resolve());
      process.umask(before);
    });
  } finally {
    process.umask(before);
  }
}

function unfit(what: string, reason: string, cause?: unknown): EdgeError {
  const nextStep = 'Give it another path, or make that one usable';
  return new EdgeError('ENVIRONMENT_UNFIT', `Cannot open ${what} as ${reason}`, { nextStep, cause });
}

async function isAnswered(path: string): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

function channelOf(socket: Socket): ByteChannel {
  return {
    write: (bytes) => void socket.write(bytes),
    get unsentBytes() {
      return socket.writableLength;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}

function attach(socket: Socket, listener: ChannelListener): void {
  socket.on('data', (chunk: Uint8Array) => listener.onData(chunk));
  attachEvents(socket, listener);
}

function attachEvents(socket: Socket, listener: ChannelListener): void {
  let failure: Error | undefined;
  socket.on('drain', () => listener.onDrain());
  socket.on('error', (error) => (failure = error));
  socket.on('close', () => listener.onClose(failure));
}

/** Groups of the machine's own file; whoever has them elsewhere gives the number. */
function groupIdOf(group: string, what: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${group}:`));
  const id = line?.split(':')[2];
  if (id === undefined || id === '') throw unfit(what, `there is no group '${group}' in /etc/group`);
  return Number(id);
}
