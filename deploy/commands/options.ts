/** An option that cannot be read. The errors of the house take longer to load than a help may cost. */
export class WrongOption extends Error {
  override readonly name = 'WrongOption';

  constructor(wanted: string, text: string) {
    super(`Cannot read the option as it must be ${wanted}: current value is ${text}`);
  }
}

/** Collects `name=value` options, for commander. */
export function collectPairs(text: string, former: Record<string, string>): Record<string, string> {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new WrongOption('name=value', text);
  return { ...former, [text.slice(0, at)]: text.slice(at + 1) };
}

/** An option's number. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new WrongOption('a number', text);
  return value;
}

/** An option's time, in milliseconds since 1970. */
export function parseTime(text: string): number {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) throw new WrongOption('a time such as 2026-01-31T12:00:00Z', text);
  return ms;
}

/**
 * All values of a union, without loading the module that has them as a list: the compiler holds the keys to the
 * union, no more and no less.
 */
export function choicesOf<Choice extends string>(all: Readonly<Record<Choice, true>>): string[] {
  return Object.keys(all);
}
