import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, type Clock, type Logger, type LogLevel, type Random } from '../core/mod.js';

/** The machine's own clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
  after: (ms, callback, options) => {
    const timer = setTimeout(callback, ms);
    if (options?.unref === true) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The machine's own randomness. */
export const systemRandom: Random = {
  fraction: () => randomBytes(4).readUInt32LE() / 4294967296,
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};

/** A logger on standard output, where Greengrass collects a component's log. */
export function stdoutLogger(level: LogLevel = 'info'): Logger {
  return createLogger(
    (line) => process.stdout.write(`${line}\n`),
    () => systemClock.wallMs(),
    level,
  );
}
