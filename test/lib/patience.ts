import { spawnSync } from 'node:child_process';
import { systemClock } from '../../src/system/mod.js';

const VARIABLE = 'EDGE_MANAGER_PATIENCE';

/** What both takes on a quiet machine of the kind that this is developed on. */
const QUIET_MS = 40;

/** More would only keep a hanging test from being seen. */
const MOST = 20;

/**
 * How many times slower than a quiet machine this one was when the run began, from 1 to 20: limits of tests are
 * multiplied by it. Measured once a run, as all processes of the run inherit it.
 */
export function patience(): number {
  const inherited = Number(process.env[VARIABLE]);
  if (inherited >= 1) return inherited;
  const measured = slownessNow();
  process.env[VARIABLE] = String(measured);
  return measured;
}

/** As `patience`, of this moment: other work on the machine comes and goes. */
export function slownessNow(): number {
  const begunMs = systemClock.monotonicMs();
  spawnSync(process.execPath, ['-e', '0']);
  const startedMs = systemClock.monotonicMs();
  spin();
  const spunMs = systemClock.monotonicMs();
  return Math.min(MOST, Math.max(1, (startedMs - begunMs) / QUIET_MS, (spunMs - startedMs) / QUIET_MS));
}

function spin(): number {
  let sum = 0;
  for (let turn = 0; turn < 40_000_000; turn++) sum = (sum + turn) | 0;
  return sum;
}
