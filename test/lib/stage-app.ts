import { EdgeManagerClient, tensor, type Tensor } from '../../src/client/mod.js';
import { silentLogger } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import { replyTopic } from '../../src/contract/mod.js';
import type { Stage } from '../../examples/stage/stage.js';

export interface StageApp {
  readonly client: EdgeManagerClient;
  close(): Promise<void>;
}

/** An app on the stage's device with every right that an app can have. */
export async function startStageApp(stage: Stage, component = 'org.edgemanager.test.App'): Promise<StageApp> {
  const { environment } = stage.nucleus.registerExternal(component, {
    accessControl: {
      'aws.greengrass.ipc.pubsub': {
        ask: { operations: ['aws.greengrass#PublishToTopic'], resources: ['edgemanager/v1/*'] },
        replies: {
          operations: ['aws.greengrass#SubscribeToTopic'],
          resources: [replyTopic(component, '*')],
        },
      },
    },
  });
  const dependencies = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const transport = await connectGreengrass({ ...dependencies, environment });
  const client = await EdgeManagerClient.open({
    ...dependencies,
    transport,
    component,
    uid: process.getuid?.(),
  });
  return {
    client,
    close: async () => {
      await client.close();
      await transport.close();
    },
  };
}

/** Silence for Silero VAD v5 and v6. */
export function silence(): Tensor[] {
  return [
    tensor('input', 'FP32', [1, 576], new Float32Array(576)),
    tensor('state', 'FP32', [2, 1, 128], new Float32Array(256)),
    tensor('sr', 'INT64', [], BigInt64Array.of(16_000n)),
  ];
}
