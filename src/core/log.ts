import { visible } from './visible.js';

/** Structured logs: one JSON object a line, so that one tool reads all components. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each line. */
  with(fields: LogFields): Logger;
  /** Lines below this level are dropped from now on, in this logger and all made from it. */
  setLevel(level: LogLevel): void;
}

/**
 * A logger over a line sink. Never pass credentials, tokens or tensor contents as fields.
 * @param write gets one line without line end, and its level
 */
export function createLogger(
  write: (line: string, level: LogLevel) => void,
  now: () => number,
  level: LogLevel = 'info',
  fields: LogFields = {},
): Logger {
  return make(write, now, { level }, fields);
}

/** A logger that says nothing. */
export const silentLogger: Logger = createLogger(
  () => undefined,
  () => 0,
  'error',
);

function make(
  write: (line: string, level: LogLevel) => void,
  now: () => number,
  threshold: { level: LogLevel },
  base: LogFields,
): Logger {
  const emit = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(threshold.level)) return;
    const line = { time: new Date(now()).toISOString(), level, message, ...base, ...fields };
    // JSON leaves C1 and what turns text as they are: a log is read in terminals too.
    write(visible(JSON.stringify(line, replacer)), level);
  };
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
    with: (fields) => make(write, now, threshold, { ...base, ...fields }),
    setLevel: (next) => {
      threshold.level = next;
    },
  };
}

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) {
    return { name: value.name, message: value.message, ...('code' in value ? { code: value.code } : {}) };
  }
  return value;
}
