import { messageOf } from '../../src/core/mod.js';
import { refused } from './refused.js';

/** What stands in a JSON file, at a JSON pointer (RFC 6901) where one is given. */
export function readJson(bytes: Uint8Array, pointer: string | undefined, field: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw refused(`'${field}.json' is not JSON: ${messageOf(error)}`, `${field}.json`, undefined, error);
  }
  for (const key of (pointer ?? '').split('/').slice(1)) {
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
      throw refused(`the JSON file has nothing at '${pointer}': ${name} is missing`, `${field}.at`);
    }
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
