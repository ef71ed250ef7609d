import { systemClock } from '../../src/system/mod.js';
import { patientMs, slownessNow } from './patience.js';

/**
 * Waits until the condition holds, and fails with `what` where it does not within the time, which is meant for a
 * quiet machine: a slower one gets more, also where it became slower while we waited.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 40_000,
): Promise<void> {
  const begunMs = systemClock.monotonicMs();
  let limitMs = patientMs(timeoutMs);
  while (!(await condition())) {
    const waitedMs = systemClock.monotonicMs() - begunMs;
    if (waitedMs > limitMs) {
      limitMs = timeoutMs * slownessNow();
      if (waitedMs > limitMs) throw new Error(`Waited ${Math.round(waitedMs)} ms in vain until ${what}`);
    }
    await systemClock.sleep(10);
  }
}
