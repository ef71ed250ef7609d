import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import type { Clock, JsonObject } from '../../src/core/mod.js';
import type { Profile } from '../../src/local/nucleus/api/mod.js';
import {
  createIotBroker,
  startIpcServer,
  type IotBroker,
  type IpcServer,
} from '../../src/local/nucleus/ipc/mod.js';
import { MemoryKernel } from './memory-kernel.js';

export type Client = greengrasscoreipc.Client;

/** An IPC server over a kernel in memory, in a folder of its own. */
export interface IpcHarness extends AsyncDisposable {
  readonly kernel: MemoryKernel;
  readonly broker: IotBroker;
  readonly server: IpcServer;
  readonly socketPath: string;
  /** Connects the official client as this component, which is added with the configuration if it is new. */
  connect(component: string, configuration?: JsonObject): Promise<Client>;
}

/** Everything allowed. */
export const ALLOW_ALL: JsonObject = {
  accessControl: Object.fromEntries(
    ['aws.greengrass.ipc.pubsub', 'aws.greengrass.ipc.mqttproxy', 'aws.greengrass.Cli'].map((service) => [
      service,
      { all: { operations: ['*'], resources: ['*'] } },
    ]),
  ),
};

/** @param clock what the server waits by; default the machine's */
export async function startIpcHarness(profile: Profile, clock?: Clock): Promise<IpcHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'ipc-'));
  const socketPath = join(folder, 'ipc.socket');
  const kernel = new MemoryKernel(profile);
  const broker = createIotBroker();
  const server = await startIpcServer({
    socketPath,
    kernel,
    iotCore: broker,
    ...(clock === undefined ? {} : { clock }),
  });
  const clients: Client[] = [];
  return {
    kernel,
    broker,
    server,
    socketPath,
    connect: async (component, configuration = ALLOW_ALL) => {
      if (kernel.componentOf(`${component}-token`) === undefined) kernel.add(component, { ...configuration });
      const client = await connectClient(socketPath, `${component}-token`);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Connects the official client, made from the variables that a component gets. They are set for this one call only,
 * as a process has one environment and a test several components.
 */
export async function connectClient(socketPath: string, token: string): Promise<Client> {
  const names = { AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: socketPath, SVCUID: token };
  const before = Object.fromEntries(Object.keys(names).map((name) => [name, process.env[name]]));
  Object.assign(process.env, names);
  const client = greengrasscoreipc.createClient();
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await client.connect();
  return client;
}

/** Collects what a subscription delivers; `next` waits for the n-th message. */
export class Inbox<T> {
  readonly received: T[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  push(message: T): void {
    this.received.push(message);
    for (const waiter of this.#waiting) if (this.received.length >= waiter.count) waiter.resolve();
  }

  async until(count: number): Promise<readonly T[]> {
    if (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.push({ count, resolve });
      });
    }
    return this.received;
  }
}

/** A message as the tests compare it. */
export interface Delivered {
  readonly topic: string | undefined;
  readonly text: string;
}

/** Subscribes to a topic; the inbox holds text of binary messages and JSON of the others. */
export async function subscribe(
  client: Client,
  topic: string,
  receiveMode?: greengrasscoreipc.model.ReceiveMode,
): Promise<Inbox<Delivered>> {
  const inbox = new Inbox<Delivered>();
  const stream = client.subscribeToTopic(receiveMode === undefined ? { topic } : { topic, receiveMode });
  stream.on('message', ({ jsonMessage, binaryMessage }) => {
    const text =
      binaryMessage === undefined
        ? JSON.stringify(jsonMessage?.message)
        : Buffer.from(binaryMessage.message as Uint8Array).toString();
    inbox.push({ topic: (binaryMessage ?? jsonMessage)?.context?.topic, text });
  });
  await stream.activate();
  return inbox;
}

export async function publish(client: Client, topic: string, message: string | Uint8Array): Promise<void> {
  await client.publishToTopic({
    topic,
    publishMessage: { binaryMessage: { message: Buffer.from(message) } },
  });
}

/** `message` may be anything that JSON holds, though the client's types ask for an object. */
export async function publishJson(client: Client, topic: string, message: unknown): Promise<void> {
  await client.publishToTopic({ topic, publishMessage: { jsonMessage: { message: message as object } } });
}

/** How an operation was refused: the error's shape as the client saw it, and its message. */
export async function refusal(
  attempt: Promise<unknown>,
): Promise<{ type: number; description: string; message: string | undefined }> {
  try {
    await attempt;
  } catch (error) {
    const { type, description, serviceError } = error as greengrasscoreipc.model.ServiceError & {
      type: number;
      description: string;
      serviceError?: { message?: string };
    };
    return { type, description, message: serviceError?.message };
  }
  throw new Error('The operation was not refused');
}
