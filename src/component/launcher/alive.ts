import type { Clock } from '../../core/mod.js';

/** Each time wakes two processes, for as long as the device runs. */
const EVERY_MS = 3000;
/** A worker never blocks; this is far more than a slow disk or a swapping device takes from it. */
const SILENCE_LIMIT_MS = 10_000;
/** Until it speaks for the first time: Node's start and the first look at the disk. */
const START_LIMIT_MS = 60_000;
/** This process may itself have been stopped meanwhile: what was said then is heard within this. */
const LAST_WORD_MS = 2000;

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
 * Calls back once, when the process has been silent for too long. Hearing it arms no timer: one looks how long ago it
 * was. Native code that aborts within malloc can leave a process that neither runs nor ends: a handler for the signal
 * waits for the lock that the abort was under.
 */
export function watchAlive(clock: Clock, onSilence: (silentMs: number) => void): AliveWatch {
  let limitMs = START_LIMIT_MS;
  let heardMs = clock.monotonicMs();
  let cancel: () => void = () => undefined;
  const look = (): void => {
    const leftMs = heardMs + limitMs - clock.monotonicMs();
    if (leftMs > 0) cancel = clock.after(leftMs, look);
    else cancel = clock.after(LAST_WORD_MS, lastLook);
  };
  const lastLook = (): void => {
    if (clock.monotonicMs() - heardMs < limitMs) look();
    else onSilence(limitMs);
  };
  look();
  return {
    heard: () => {
      heardMs = clock.monotonicMs();
      if (limitMs === SILENCE_LIMIT_MS) return;
      limitMs = SILENCE_LIMIT_MS;
      cancel();
      look();
    },
    close: () => cancel(),
  };
}
