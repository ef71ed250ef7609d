import { connect, type Socket } from 'node:net';
import type { Static, TSchema } from '@sinclair/typebox';
import { listQuarantinedOperation, requeueOperation, resetNewestOperation } from '../contract/mod.js';
import { EdgeError, messageOf, silentLogger, validate } from '../core/mod.js';
import { systemClock, systemRandom } from '../system/mod.js';
import { AdminTransport } from './admin-transport.js';
import { EdgeManagerClient } from './client.js';
import { askAsOperator } from './operator-request.js';

/** The client over the agent's admin socket, for shells: no Greengrass, no SVCUID, the agent's own user only. */
export interface AdminClient extends AsyncDisposable {
  readonly client: EdgeManagerClient;
  /** Lets a version count as the model's newest: what was admitted above it keeps no other version out any more. */
  resetNewest(
    body: Static<typeof resetNewestOperation.request>,
    options: { readonly timeoutMs: number },
  ): Promise<Static<typeof resetNewestOperation.reply>>;
  /** Captures that the store refused for good: one page of them. */
  listQuarantined(
    body: Static<typeof listQuarantinedOperation.request>,
    options: { readonly timeoutMs: number },
  ): Promise<Static<typeof listQuarantinedOperation.reply>>;
  /** Brings captures back out of quarantine: one page of them. */
  requeueCaptures(
    body: Static<typeof requeueOperation.request>,
    options: { readonly timeoutMs: number },
  ): Promise<Static<typeof requeueOperation.reply>>;
  close(): Promise<void>;
}

/**
 * Connects to `<agent work>/admin.sock`.
 * @throws EdgeError UNAVAILABLE where no agent answers, PERMISSION_DENIED where it runs as another user
 * @example
 * await using admin = await connectAdmin('/greengrass/v2/work/org.edgemanager.AgentRuntime/admin.sock');
 * const models = await admin.client.listModels();
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
  const operation =
    <Request extends TSchema, Reply extends TSchema>(given: {
      readonly op: string;
      readonly request: Request;
      readonly reply: Reply;
    }) =>
    async (body: Static<Request> & object, { timeoutMs }: { readonly timeoutMs: number }) =>
      validate(
        given.reply,
        await askAsOperator(transport, given.op, body, timeoutMs),
        'Cannot read the reply',
      );
  return {
    client,
    resetNewest: operation(resetNewestOperation),
    listQuarantined: operation(listQuarantinedOperation),
    requeueCaptures: operation(requeueOperation),
    close,
    [Symbol.asyncDispose]: close,
  };
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
