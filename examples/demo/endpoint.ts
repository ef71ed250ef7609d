import { join } from 'node:path';
import { connect, tensor } from '../../src/client/mod.js';
import { paced, type Pace } from '../floors/mod.js';
import { AGENT, type Stage } from '../stage/mod.js';
import { STATE_ELEMENTS, STATE_SHAPE, windowAt } from '../voice-activity/mod.js';

/** Windows of the recording over the agent's own socket, without the broker between: milliseconds each. */
export async function playToEndpoint(
  stage: Stage,
  samples: Float32Array,
  pace: Pace,
): Promise<readonly number[]> {
  const endpoint = join(stage.nucleus.rootPath, 'work', AGENT, 'endpoint.sock');
  await using app = await connect({ endpoint });
  let window = 0;
  return await paced(pace, async () => {
    const input = windowAt(samples, window++);
    await app.client.predict('SileroVad', [
      tensor('input', 'FP32', [1, input.length], input),
      tensor('state', 'FP32', STATE_SHAPE, new Float32Array(STATE_ELEMENTS)),
      tensor('sr', 'INT64', [], BigInt64Array.of(16_000n)),
    ]);
  });
}
