import { hostileRun, publishAll } from '../unit/rollout/d5.js';
import { longRun, reportFaultRow } from '../lib/fault-table.js';
import { makeWorld } from '../unit/rollout/world.js';

/** About a second a run: the promise's 1,000 with --long. */
const RUNS = longRun() ? 1000 : 60;
const RUNS_PER_WORLD = 100;

describe('rollout faults', () => {
  it(`loses no component of others in ${RUNS} runs with kills and deployments in between`, async function () {
    this.timeout(3_600_000);
    for (let first = 1; first <= RUNS; first += RUNS_PER_WORLD) {
      await using world = await makeWorld();
      await publishAll(world);
      for (let seed = first; seed < Math.min(first + RUNS_PER_WORLD, RUNS + 1); seed++)
        await hostileRun(world, seed);
    }
    reportFaultRow({ row: 'D5', cycles: RUNS, lost: 0, duplicated: 0, corrupt: 0 });
  });
});
