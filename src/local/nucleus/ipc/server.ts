import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { EdgeError, messageOf, silentLogger, type Clock, type Logger } from '../../../core/mod.js';
import { systemClock } from '../../../system/mod.js';
import type { IotCore, IpcKernel } from '../api/mod.js';
import { behaviourOf } from './behaviour.js';
import type { Services } from './call.js';
import { ComponentUpdates } from './component-updates.js';
import { Connection } from './connection.js';
import { FrameSplitter } from '../../../ipc/frames/mod.js';
import { PubSub } from './pub-sub.js';
import { socketLink } from './socket-link.js';
import { TaskQueue } from './task-queue.js';

export interface IpcServerOptions {
  /** Where the unix socket is made: at most 107 bytes, in a folder that exists. */
  readonly socketPath: string;
  readonly kernel: IpcKernel;
  readonly iotCore: IotCore;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** A running IPC server; after `close()` the path is free again. */
export interface IpcServer extends AsyncDisposable {
  readonly socketPath: string;
  /** Cuts all connections, and from now on every new one as soon as it is made: a nucleus that is going. */
  leave(): void;
  /** Cuts all connections and removes the socket. May be called twice. */
  close(): Promise<void>;
}

/** What Linux lets a unix socket's path have, without the closing zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Serves Greengrass IPC on a unix socket, to the official clients, as the kernel's profile does it.
 * Throws ALREADY_EXISTS if a live server or another file has the path; a socket that nobody serves is replaced.
 */
export async function startIpcServer(options: IpcServerOptions): Promise<IpcServer> {
  const { socketPath, kernel, iotCore, logger = silentLogger, clock = systemClock } = options;
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES) {
    throw new EdgeError(
      'OPTION_INVALID',
      `Cannot open the IPC socket as its path must have at most ${MAX_SOCKET_PATH_BYTES} bytes: ${socketPath}`,
      { nextStep: 'Choose a shorter root folder' },
    );
  }
  const behaviour = behaviourOf(kernel.profile);
  const services: Services = {
    kernel,
    iotCore,
    behaviour,
    pubSub: new PubSub(behaviour, logger),
    componentUpdates: new ComponentUpdates(),
    logger,
  };
  const sockets = new Set<Socket>();
  const queue = new TaskQueue();
  const going = new AbortController();
  const server = createServer((socket) => {
    if (going.signal.aborted || sockets.size >= behaviour.maxConnections) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, services, queue, clock);
  });
  await listen(server, socketPath);
  return opened(server, { socketPath, sockets, going });
}

function opened(
  server: Server,
  {
    socketPath,
    sockets,
    going,
  }: { readonly socketPath: string; readonly sockets: ReadonlySet<Socket>; readonly going: AbortController },
): IpcServer {
  const leave = (): void => {
    going.abort();
    for (const socket of sockets) socket.destroy();
  };
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    leave();
    await closed;
  };
  return { socketPath, leave, close, [Symbol.asyncDispose]: close };
}

function serve(socket: Socket, services: Services, queue: TaskQueue, clock: Clock): void {
  const { behaviour, logger } = services;
  const connection = new Connection(services, socketLink(socket, clock));
  const splitter = new FrameSplitter(behaviour.maxIncomingBytes);
  socket.on('data', (chunk) => {
    try {
      for (const frame of splitter.push(chunk)) {
        if (behaviour.isSerial) queue.run(() => connection.receive(frame));
        else void connection.receive(frame);
      }
    } catch (error) {
      logger.warn('Closed an IPC connection', { reason: messageOf(error) });
      socket.destroy();
    }
  });
  socket.on('error', (error) => logger.debug('An IPC connection failed', { reason: error.message }));
  socket.on('close', () => connection.closed());
}

async function listen(server: Server, socketPath: string): Promise<void> {
  try {
    await tryListen(server, socketPath);
  } catch (error) {
    if (!isErrno(error, 'EADDRINUSE')) {
      throw new EdgeError(
        'SOCKET_UNUSABLE',
        `Cannot open the IPC socket ${socketPath}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    await removeDeadSocket(socketPath, error);
    await tryListen(server, socketPath);
  }
  await chmod(socketPath, 0o600);
}

function tryListen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A socket file outlives a killed nucleus; only what nobody answers on is removed. */
async function removeDeadSocket(socketPath: string, cause: unknown): Promise<void> {
  const { isSocket, isServed } = await probe(socketPath);
  if (isSocket && !isServed) return unlink(socketPath);
  throw new EdgeError(
    'SOCKET_TAKEN',
    `Cannot open the IPC socket ${socketPath} as ${isSocket ? 'another nucleus serves it' : 'the path is taken by something else'}`,
    { nextStep: 'Stop the other nucleus, or choose another root folder', cause },
  );
}

async function probe(socketPath: string): Promise<{ isSocket: boolean; isServed: boolean }> {
  const isSocket = (await lstat(socketPath)).isSocket();
  if (!isSocket) return { isSocket, isServed: false };
  const isServed = await new Promise<boolean>((resolve) => {
    const socket = connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error) => resolve(!isErrno(error, 'ECONNREFUSED')));
  });
  return { isSocket, isServed };
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
