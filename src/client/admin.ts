import { connect, type Socket } from 'node:net';
import type { Static } from '@sinclair/typebox';
import { resetNewestOperation } from '../contract/mod.js';
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
  const { op, reply } = resetNewestOperation;
  return {
    client,
    resetNewest: async (body, { timeoutMs }) =>
      validate(reply, await askAsOperator(transport, op, body, timeoutMs), 'Cannot read the reply'),
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
