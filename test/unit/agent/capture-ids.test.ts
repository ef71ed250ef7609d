import { strict as assert } from 'node:assert';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { floats } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

const predict = async (app: EdgeManagerClient, captureId: string) =>
  await app.predict('Model', [floats('x', [1])], { captureId, capture: 'always' });
const stateOf = async (app: EdgeManagerClient, captureId: string): Promise<string> =>
  (await app.captureStatus(captureId)).state;

describe('capture ids', () => {
  it('of another component keep nothing out', async () => {
    await using twins = await AgentTwins.create({
      script: () => ({ run: () => ({ captured: 'yes' as never }) }),
    });
    await twins.register(await twins.package('1.0.0'));
    const stranger = await twins.app('com.example.Stranger');
    const app = await twins.app();
    const submitted = { modelName: 'Model', captureId: 'frame-1', inputTensors: [floats('x', [1])] };
    await stranger.capture(submitted);
    assert.equal(await stateOf(stranger, 'frame-1'), 'SPOOLED');
    assert.equal(await stateOf(app, 'frame-1'), 'SPOOLED', 'who watches is told');
    await assert.rejects(app.capture(submitted), { reason: 'CAPTURE_ID_TAKEN' });
    const own = (await predict(app, 'frame-1')).captureId;
    assert.ok(own !== undefined && own !== 'frame-1');
    await stranger.close();
    await app.close();
  });

  it('that their own component repeats are captured once', async () => {
    const modes: string[] = [];
    await using twins = await AgentTwins.create({
      script: () => ({
        run: ({ capture }) => {
          modes.push(`${capture.captureId} ${capture.mode}`);
          return {};
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    const app = await twins.app();
    await app.capture({ modelName: 'Model', captureId: 'frame-1', inputTensors: [floats('x', [1])] });
    await until(async () => (await stateOf(app, 'frame-1')) === 'SPOOLED', 'it is on disk');
    await predict(app, 'frame-1');
    await predict(app, 'frame-2');
    assert.deepEqual(modes, ['frame-1 never', 'frame-2 always']);
    await app.close();
  });
});
