import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, EdgeManagerClient } from '../../src/client/mod.js';
import { silentLogger } from '../../src/core/mod.js';
import { createResponder, MemoryBroker, type Handlers } from '../../src/ipc/mod.js';
import { Endpoint } from '../../src/runtime/endpoint/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';

/** Ways of an app to the agent: what the client promises, it promises over each. */
export const CLIENT_WAYS = ['Greengrass IPC', 'the local endpoint'] as const;
export type ClientWay = (typeof CLIENT_WAYS)[number];

export interface ServedClient {
  readonly client: EdgeManagerClient;
  readonly close: () => Promise<void>;
}

/** A client over a way, and handlers of a test's own at the other end of it. */
export async function clientOver(way: ClientWay, handlers: Handlers): Promise<ServedClient> {
  const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const broker = new MemoryBroker();
  const responder = await createResponder({ ...common, transport: broker.connect(), handlers });
  if (way === 'Greengrass IPC') {
    const client = await EdgeManagerClient.open({ ...common, transport: broker.connect(), component: 'app' });
    return {
      client,
      close: async () => {
        await client.close();
        await responder.close();
      },
    };
  }
  const path = join(tmpdir(), `edge-endpoint-${systemRandom.hex(8)}.sock`);
  const endpoint = await Endpoint.open({
    ...common,
    configuration: configurationWith({}),
    defaultPath: path,
    responder,
    onGone: () => undefined,
  });
  const { client } = await connect({ endpoint: path });
  return {
    client,
    close: async () => {
      await client.close();
      await endpoint.close();
      await rm(path, { force: true });
    },
  };
}

type EndpointConfiguration = Parameters<typeof Endpoint.open>[0]['configuration'];

/** A configuration that never changes, of which only the endpoint is looked at. */
export function configurationWith(endpoint: object): EndpointConfiguration {
  const current = { endpoint } as EndpointConfiguration['current'];
  return { current, onChange: () => () => undefined };
}
