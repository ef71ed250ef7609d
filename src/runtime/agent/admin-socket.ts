import { chmod } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import {
  operations,
  predictTopic,
  RequestEnvelope,
  type OperationName,
  type ReplyEnvelope,
} from '../../contract/mod.js';
import { deferred, EdgeError, messageOf, toEdgeError, validate, type Logger } from '../../core/mod.js';
import { decodeMessage, toErrorBody, type Responder } from '../../ipc/mod.js';
import { clearSocketPath, listenPrivately } from '../../system/mod.js';
import type { AdminGate } from './admin-gate.js';
import { OPERATOR, type Operator } from './operator.js';

/** Larger tensors go by file here too. */
const MAX_LINE_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 32;
const WHAT = 'the admin socket';

export interface AdminSocketOptions {
  readonly path: string;
  readonly logger: Logger;
}

/** What answers the requests. */
export interface AdminService {
  readonly responder: Responder;
  readonly operator: Pick<Operator, 'find'>;
  readonly gate: Pick<AdminGate, 'check'>;
  /** The connection's client has gone. */
  readonly onGone: (client: string) => void;
}

export interface AdminSocket {
  /** Requests that came before are answered now. */
  serve(service: AdminService): void;
  close(): Promise<void>;
}

/**
 * The agent's local entrance, for shells, which have no SVCUID: newline-delimited JSON envelopes over a unix
 * socket (0600), with the same operations and handlers as over IPC. A predict request names its model in the
 * envelope's `model`, as there is no topic.
 *
 * Being the only one that can listen there, it is also the work folder's lock.
 * @throws EdgeError ALREADY_EXISTS where another agent answers at the path, FAILED_PRECONDITION where it can't be used
 */
export async function openAdminSocket(options: AdminSocketOptions): Promise<AdminSocket> {
  const { path, logger } = options;
  const service = deferred<AdminService>();
  await clearSocketPath(path, WHAT);
  const connections = new Set<Socket>();
  let counter = 0;
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serve(socket, `admin-${counter++}`, service.promise, logger);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listenPrivately(server, path, WHAT);
  await chmod(path, 0o600);
  logger.debug('Admin socket open', { path });
  return {
    serve: (made) => service.resolve(made),
    close: async () => {
      for (const socket of connections) socket.end();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of connections) socket.destroySoon();
      });
    },
  };
}

function serve(socket: Socket, client: string, service: Promise<AdminService>, logger: Logger): void {
  let held: Buffer = Buffer.alloc(0);
  let refused = false;
  socket.on('error', (error) => logger.debug('An admin connection failed', { reason: messageOf(error) }));
  socket.on('close', () => void service.then(({ onGone }) => onGone(client)));
  socket.on('data', (chunk: Buffer) => {
    // What still comes after a refusal is read and dropped, so that the refusal itself gets through.
    if (refused) return;
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (;;) {
      const end = held.indexOf(0x0a);
      if (end < 0) break;
      const line = held.subarray(0, end);
      held = held.subarray(end + 1);
      if (line.length > 0) void answer(line, client, service).then((reply) => send(socket, reply));
    }
    if (held.length > MAX_LINE_BYTES) {
      const error = new EdgeError(
        'MESSAGE_TOO_LARGE',
        `Cannot read the request as a line must have at most ${MAX_LINE_BYTES} bytes`,
      );
      refused = true;
      held = Buffer.alloc(0);
      send(socket, { v: 1, id: 'unreadable', ok: false, error: toErrorBody(error) });
      socket.end();
    }
  });
}

async function answer(
  line: Uint8Array,
  client: string,
  service: Promise<AdminService>,
): Promise<ReplyEnvelope> {
  let id = 'unreadable';
  try {
    const what = 'Cannot read the request';
    const raw = decodeMessage(line, what, MAX_LINE_BYTES);
    const request = validate(RequestEnvelope, { replyTo: OPERATOR, ...(raw as object) }, what);
    id = request.id;
    const { responder, operator, gate } = await service;
    gate.check(request.op);
    const act = operator.find(request.op);
    if (act !== undefined) return { v: 1, id, ok: true, body: await act(request.body) };
    return await responder.answer(request, topicOf(request.op, raw), client, OPERATOR);
  } catch (thrown) {
    return { v: 1, id, ok: false, error: toErrorBody(toEdgeError(thrown)) };
  }
}

function topicOf(op: string, raw: unknown): string {
  if (op === 'predict') {
    const { model } = raw as { model?: unknown };
    if (typeof model !== 'string') {
      throw new EdgeError('FIELD_INVALID', "Cannot predict as 'model' is missing", { field: 'model' });
    }
    return predictTopic(model);
  }
  return Object.hasOwn(operations, op) ? operations[op as OperationName].topic : '';
}

function send(socket: Socket, reply: ReplyEnvelope): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
}
