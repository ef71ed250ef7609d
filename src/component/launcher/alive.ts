import type { Clock } from '../../core/mod.js';

const EVERY_MS = 1000;
/** A worker never blocks; this is far more than a slow disk or a swapping device takes from it. */
const SILENCE_LIMIT_MS = 10_000;
/** Until it speaks for the first time: Node's start and the first look at the disk. */
const START_LIMIT_MS = 60_000;

/**
 * In a worker: says now and then to the launcher that the event loop runs.
 * @param onGone the launcher has ended, and nobody else would stop this process
 */
export function tellAlive(clock: Clock, onGone: () => void): void {
  // Forked, and alone already: the launcher ended while this process was loading its code.
  if (process.send !== undefined && !process.connected) onGone();
  process.once('disconnect', onGone);
  const say = (): void => {
    // A failed send means that the launcher has gone, of which 'disconnect' tells.
    if (process.connected) process.send?.('alive', undefined, undefined, () => undefined);
    clock.after(EVERY_MS, say, { unref: true });
  };
  say();
}

/** Listens to a process that tells that it is alive. */
export interface AliveWatch {
  heard(): void;
  close(): void;
}

/**
 * Calls back once, when the process has been silent for too long. A native abort of aws-crt within malloc can leave
 * a process that neither runs nor ends: its handler for the signal waits for the lock that the abort was under.
 */
export function watchAlive(clock: Clock, onSilence: (silentMs: number) => void): AliveWatch {
  let cancel: () => void = () => undefined;
  const arm = (limitMs: number): void => {
    cancel();
    cancel = clock.after(limitMs, () => {
      // This process may itself have been stopped meanwhile: what was said then is heard now.
      cancel = clock.after(2 * EVERY_MS, () => onSilence(limitMs));
    });
  };
  arm(START_LIMIT_MS);
  return { heard: () => arm(SILENCE_LIMIT_MS), close: () => cancel() };
}
