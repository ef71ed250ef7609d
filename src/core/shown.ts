import { visibleLine } from './visible.js';

const MAX_CHARS = 80;
const HIDDEN = 'not shown as it may be secret';
/** Names of fields whose values belong into no log and no terminal. */
const SECRET = /salt|secret|password|passphrase|token|private/i;

/**
 * A value for a sentence: as JSON, cut, on one line, and without what may be secret.
 * @param path of names that lead to the value
 */
export function shown(value: unknown, path: readonly string[] = []): string {
  if (path.some((name) => SECRET.test(name))) return HIDDEN;
  const text =
    JSON.stringify(value, (name, part: unknown) => (SECRET.test(name) ? HIDDEN : part)) ?? String(value);
  const line = visibleLine(text);
  return line.length > MAX_CHARS ? `${line.slice(0, MAX_CHARS - 3)}...` : line;
}
