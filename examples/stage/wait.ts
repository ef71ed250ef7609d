import { setTimeout as sleep } from 'node:timers/promises';

/** Looks every 100 ms until the answer is there; fails with `what` after `timeoutMs`. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (performance.now() > deadlineMs)
      throw new Error(`Waited ${Math.round(timeoutMs / 1000)} s in vain for ${what}`);
    await sleep(100);
  }
}
