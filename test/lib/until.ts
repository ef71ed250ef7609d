import { systemClock } from '../../src/system/mod.js';

/** Waits until the condition holds, and fails with `what` where it does not within the time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 40_000,
): Promise<void> {
  const endsAtMs = systemClock.monotonicMs() + timeoutMs;
  while (!(await condition())) {
    if (systemClock.monotonicMs() > endsAtMs) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    await systemClock.sleep(10);
  }
}
