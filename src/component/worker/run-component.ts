import type { Component, Worker } from './component.js';
import { joinGreengrass } from './connection.js';

/**
 * Runs a component until it is told to stop. It is stopped in the reverse order of its start.
 * @throws what ends it before
 */
export async function runComponent(
  worker: Worker,
  start: (worker: Worker) => Promise<Component>,
): Promise<void> {
  const component = await start(worker);
  const connection = joinGreengrass(worker, component);
  const failures = component.failed === undefined ? [] : [component.failed];
  try {
    await Promise.race([connection.failed, ...failures, aborted(worker.stop)]);
  } finally {
    await connection.drain();
    await component.stop();
    await connection.close();
    await component.close?.();
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
