import { systemClock, systemRandom } from '../system/mod.js';
import { silentLogger, type Logger } from '../core/mod.js';
import { connectGreengrass } from '../ipc/greengrass/mod.js';
import type { GreengrassPort } from '../ipc/mod.js';
import { EdgeManagerClient, type ClientSettings } from './client.js';
import { FramedRequester } from './endpoint/mod.js';
import { IN_FRAME } from './inline-form.js';

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

/** The way by the agent's local endpoint, for apps on the device that do without the broker. */
export interface EndpointOptions {
  /** Absolute path of the endpoint's socket, as `endpoint` of the agent's configuration has it. */
  readonly endpoint: string;
  /** Whom the agent counts this app as, 1 to 64 of `A-Za-z0-9._-`. Default: each connection by itself. */
  readonly name?: string;
  readonly logger?: Logger;
  readonly defaultTimeoutMs?: number;
}

/** The client and its connection: `close()` ends both. */
export interface EndpointClient extends AsyncDisposable {
  readonly client: EdgeManagerClient;
  readonly close: () => Promise<void>;
}

/**
 * Connects an app to the agent by its local endpoint, a unix socket, without Greengrass between. The connection is made
 * with the first call, and again where the agent was restarted.
 * @example
 * const { client } = await connect({ endpoint: '/greengrass/v2/work/org.edgemanager.AgentRuntime/endpoint.sock' });
 * const { outputs } = await client.predict('SileroVad', [tensor('input', 'FP32', [1, 576], window), ...]);
 */
export async function connect(options: EndpointOptions): Promise<EndpointClient>;
/**
 * Connects a Greengrass component to the agent runtime over IPC.
 * @throws EdgeError UNAVAILABLE where this is not a component or the nucleus is away, PERMISSION_DENIED where the SVCUID is wrong
 * @example
 * const { client } = await connect({ component: 'com.example.App' });
 * const { outputs } = await client.predict('SileroVad', [tensor('input', 'FP32', [1, 576], window), ...]);
 */
export async function connect(options: ConnectOptions): Promise<ConnectedClient>;
export async function connect(
  options: ConnectOptions | EndpointOptions,
): Promise<ConnectedClient | EndpointClient> {
  return 'endpoint' in options ? connectEndpoint(options) : await connectComponent(options);
}

function connectEndpoint({ endpoint, name, ...options }: EndpointOptions): EndpointClient {
  const settings = settingsOf(options);
  const requester = new FramedRequester({ ...settings, path: endpoint, name });
  const client = EdgeManagerClient.over({ requester, form: IN_FRAME }, settings);
  const close = async (): Promise<void> => await client.close();
  return { client, close, [Symbol.asyncDispose]: close };
}

async function connectComponent(options: ConnectOptions): Promise<ConnectedClient> {
  const settings = settingsOf(options);
  const { component } = options;
  const transport = await connectGreengrass({ ...settings, component });
  const client = await EdgeManagerClient.open({ ...settings, transport, component });
  const close = async (): Promise<void> => {
    await client.close();
    await transport.close();
  };
  return { client, greengrass: transport, close, [Symbol.asyncDispose]: close };
}

function settingsOf({
  logger = silentLogger,
  defaultTimeoutMs,
}: Pick<ConnectOptions, 'logger' | 'defaultTimeoutMs'>): ClientSettings {
  return {
    clock: systemClock,
    random: systemRandom,
    logger,
    uid: process.getuid?.(),
    ...(defaultTimeoutMs === undefined ? {} : { defaultTimeoutMs }),
  };
}
