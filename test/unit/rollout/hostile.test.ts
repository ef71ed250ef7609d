import { hostileRun, publishAll } from './d5.js';
import { eagerClock, makeWorld, MODEL, plan } from './world.js';
import { applyRollout } from '../../../deploy/rollout/mod.js';
import assert from 'node:assert/strict';

describe('rollout under kills and deployments of others', () => {
  it('never loses a component of others, over HTTP', async () => {
    await using world = await makeWorld(10);
    await publishAll(world);
    for (let seed = 1; seed <= 4; seed++) await hostileRun(world, seed);
  });

  it('never loses a component of others (100 of the 1,000 runs of test/faults)', async () => {
    await using world = await makeWorld(10, 'calls');
    await publishAll(world);
    for (let seed = 1; seed <= 100; seed++) await hostileRun(world, seed);
  });

  it('gets through throttling and cut connections', async () => {
    await using world = await makeWorld(10);
    await world.publish(MODEL, '5.0.0');
    await world.fleet('t', 3);
    world.local.setHook(({ index }) =>
      index % 11 === 5 ? 'throttle' : index % 17 === 3 ? 'cut-after' : undefined,
    );
    const { status } = await applyRollout(world.cloud, plan('t', '5.0.0'), { clock: eagerClock });
    assert.equal(status.outcome, 'SUCCEEDED');
  });
});
