import { EdgeManagerClient } from '../../src/client/mod.js';
import { silentLogger } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import type { Stage } from '../stage/mod.js';

const WATCHER = 'org.edgemanager.example.Watcher';

/** A client of the demo itself, with the rights of a component that only reads. */
export async function connectWatcher(
  stage: Stage,
): Promise<{ client: EdgeManagerClient; close(): Promise<void> }> {
  const { environment } = stage.nucleus.registerExternal(WATCHER, {
    accessControl: {
      'aws.greengrass.ipc.pubsub': {
        watch: {
          operations: ['aws.greengrass#PublishToTopic'],
          resources: [
            'edgemanager/v1/control/stats',
            'edgemanager/v1/control/list',
            'edgemanager/v1/capture/status',
            'edgemanager-example/*',
          ],
        },
        replies: {
          operations: ['aws.greengrass#SubscribeToTopic'],
          resources: [`edgemanager/v1/reply/${WATCHER}/*`],
        },
      },
    },
  });
  const dependencies = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const transport = await connectGreengrass({ ...dependencies, environment });
  const client = await EdgeManagerClient.open({ ...dependencies, transport, component: WATCHER });
  return {
    client,
    close: async () => {
      await client.close();
      await transport.close();
    },
  };
}

export interface CaptureCount {
  /** Ids that the agent acknowledged. */
  readonly captured: ReadonlySet<string>;
  /** Of those, ids that are confirmed in S3. */
  readonly confirmed: number;
}

/** Asks for each id where it is. */
export async function countCaptures(
  client: EdgeManagerClient,
  ids: readonly string[],
): Promise<CaptureCount> {
  const captured = new Set<string>();
  let confirmed = 0;
  for (const id of ids) {
    const { status } = await client.captureStatus(id, { timeoutMs: 30_000 });
    if (status !== 'NOT_FOUND') captured.add(id);
    if (status === 'SUCCESS') confirmed++;
  }
  return { captured, confirmed };
}
