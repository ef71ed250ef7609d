import { spawnSync } from 'node:child_process';
import { systemClock } from '../../src/system/mod.js';

const VARIABLE = 'EDGE_MANAGER_PATIENCE';

/** What both take on a quiet machine of the kind that this is developed on. */
const QUIET_START_MS = 50;
const QUIET_WORK_MS = 30;

/** More would only keep a hanging test from being seen. */
const MOST = 10;

/**
 * How many times slower than a quiet machine this one was when the run began, from 1 to 10: limits of tests are
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
  JSON.parse(JSON.stringify(Array.from({ length: 200_000 }, (_, index) => index * 1.5)));
  const workedMs = systemClock.monotonicMs();
  const factors = [(startedMs - begunMs) / QUIET_START_MS, (workedMs - startedMs) / QUIET_WORK_MS];
  return Math.min(MOST, Math.max(1, ...factors));
}

/** A duration that is meant for a quiet machine, as this machine needs it: for deadlines that must not come early. */
export function patientMs(ms: number): number {
  return Math.round(ms * patience());
}

/** Whether something took no longer than a limit that is meant for a quiet machine. */
export function isWithin(tookMs: number, limitMs: number): boolean {
  return tookMs <= limitMs * patience() || tookMs <= limitMs * slownessNow();
}
