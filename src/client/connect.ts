import { systemClock, systemRandom } from '../system/mod.js';
import { silentLogger, type Logger } from '../core/mod.js';
import { connectGreengrass } from '../ipc/greengrass/mod.js';
import type { GreengrassPort } from '../ipc/mod.js';
import { EdgeManagerClient } from './client.js';

export interface ConnectOptions {
  /** This component's name, as in its recipe. */
  readonly component: string;
  readonly logger?: Logger;
  readonly defaultTimeoutMs?: number;
}

/** The client and its own connection: `close()` ends both. */
export interface ConnectedClient extends AsyncDisposable {
  readonly client: EdgeManagerClient;
  /** The connection, for the app's own topics and configuration. */
  readonly greengrass: GreengrassPort;
  close(): Promise<void>;
}

/**
 * Connects a Greengrass component to the agent runtime over IPC.
 * @throws EdgeError UNAVAILABLE where this is not a component or the nucleus is away, PERMISSION_DENIED where the SVCUID is wrong
 * @example
 * const { client } = await connect({ component: 'com.example.App' });
 * const { outputs } = await client.predict('SileroVad', [tensor('input', 'FP32', [1, 576], window), ...]);
 */
export async function connect(options: ConnectOptions): Promise<ConnectedClient> {
  const logger = options.logger ?? silentLogger;
  const transport = await connectGreengrass({
    clock: systemClock,
    random: systemRandom,
    logger,
    component: options.component,
  });
  const client = await EdgeManagerClient.open({
    transport,
    clock: systemClock,
    random: systemRandom,
    logger,
    component: options.component,
    uid: process.getuid?.(),
    ...(options.defaultTimeoutMs === undefined ? {} : { defaultTimeoutMs: options.defaultTimeoutMs }),
  });
  const close = async (): Promise<void> => {
    await client.close();
    await transport.close();
  };
  return { client, greengrass: transport, close, [Symbol.asyncDispose]: close };
}
