import { createLogger, type Logger, type LogLevel } from '../core/mod.js';
import { systemClock } from './system-clock.js';

/** A logger on standard output, where Greengrass collects a component's log. */
export function stdoutLogger(level: LogLevel = 'info'): Logger {
  return createLogger(
    (line) => process.stdout.write(`${line}\n`),
    () => systemClock.wallMs(),
    level,
  );
}
