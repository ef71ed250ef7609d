import { hostileRun, publishAll } from '../unit/rollout/d5.js';
import { makeWorld } from '../unit/rollout/world.js';

const RUNS = 1000;
const RUNS_PER_WORLD = 100;

describe('rollout faults', () => {
  it(`loses no component of others in ${RUNS} runs with kills and deployments in between`, async function () {
    this.timeout(3_600_000);
    for (let first = 1; first <= RUNS; first += RUNS_PER_WORLD) {
      await using world = await makeWorld();
      await publishAll(world);
      for (let seed = first; seed < first + RUNS_PER_WORLD; seed++) await hostileRun(world, seed);
    }
  });
});
