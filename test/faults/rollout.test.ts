import { hostileRun, publishAll } from '../unit/rollout/d5.js';
import { longRun, reportFaultRow } from '../lib/fault-table.js';
import { makeWorld } from '../unit/rollout/world.js';

const FIRST_SEED = Number(process.env['EDGE_MANAGER_SEED'] ?? 1);
/** The promise's 1,000, or one that failed before; ten times as many with --long. */
const RUNS = process.env['EDGE_MANAGER_SEED'] === undefined ? (longRun() ? 10_000 : 1000) : 1;
const RUNS_PER_WORLD = 100;

describe('rollout faults', () => {
  it(`loses no component of others in ${RUNS} runs with kills, conflicts and deployments in between`, async () => {
    const end = FIRST_SEED + RUNS;
    console.log(`      seeds ${FIRST_SEED} to ${end - 1} (EDGE_MANAGER_SEED repeats one)`);
    for (let first = FIRST_SEED; first < end; first += RUNS_PER_WORLD) {
      await using world = await makeWorld(10, 'calls');
      await publishAll(world);
      for (let seed = first; seed < Math.min(first + RUNS_PER_WORLD, end); seed++)
        await hostileRun(world, seed);
    }
    reportFaultRow({ row: 'D5', cycles: RUNS, lost: 0, duplicated: 0, corrupt: 0 });
  });
});
