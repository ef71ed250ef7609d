import { silentLogger } from '../../src/core/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';

/** As much of Greengrass IPC as an echo needs. */
export interface EchoClient {
  publish(topic: string, payload: Uint8Array): Promise<unknown>;
  subscribe(topic: string, listener: (payload: Uint8Array) => void): Promise<unknown>;
}

/** The official client, nothing of ours. */
export async function connectOfficial(): Promise<EchoClient> {
  const { greengrasscoreipc } = await import('aws-iot-device-sdk-v2');
  const client = greengrasscoreipc.createClient();
  await client.connect();
  return {
    publish: (topic, message) =>
      client.publishToTopic({ topic, publishMessage: { binaryMessage: { message } } }),
    subscribe: async (topic, listener) => {
      const operation = client.subscribeToTopic({ topic });
      operation.on('message', (message) =>
        listener(Buffer.from(message.binaryMessage?.message as ArrayBuffer)),
      );
      await operation.activate();
    },
  };
}

/** The client that agent and apps use. */
export async function connectOwn(): Promise<EchoClient> {
  const settings = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const client = await connectGreengrass(settings);
  return {
    publish: (topic, payload) => client.publish(topic, payload),
    subscribe: (topic, listener) => client.subscribe(topic, ({ payload }) => listener(payload)),
  };
}
