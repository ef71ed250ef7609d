import { createLogger, type Logger, type LogLevel } from '../core/mod.js';
import { isJournal } from './process-identity.js';
import { systemClock } from './system-clock.js';

/** Syslog's priorities: by them `journalctl -p err` finds what is wrong. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/**
 * A logger on standard output, where Greengrass collects a component's log. Nucleus lite gives it to the journal, which
 * takes a priority before each line; the Java nucleus would write it out.
 */
export function stdoutLogger(level: LogLevel = 'info'): Logger {
  const prefixOf = isJournal(process.env['JOURNAL_STREAM'], process.stdout.fd)
    ? (of: LogLevel) => `<${PRIORITIES[of]}>`
    : () => '';
  return createLogger(
    (line, of) => process.stdout.write(`${prefixOf(of)}${line}\n`),
    () => systemClock.wallMs(),
    level,
  );
}
