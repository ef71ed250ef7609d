import { isJsonObject } from '../../../core/mod.js';

/** What a member of a request must be, beside its type. */
export interface Limit {
  /** Least and most of: a number, characters of a text, entries of a list or map. */
  readonly min?: number;
  readonly max?: number;
  /** The whole text must match. */
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
}

/**
 * Limits by the path of the member: `tags{key}` for each key of a map, `tags{value}` for each value, `percents[]` for
 * each entry of a list, names joined by dots.
 */
export type MemberLimits = Readonly<Record<string, Limit>>;

/** By operation. */
export type ServiceLimits = Readonly<Record<string, MemberLimits>>;

/** The first member outside its limits, in AWS's words; undefined where all are inside. */
export function violation(
  limits: MemberLimits,
  input: Readonly<Record<string, unknown>>,
): { readonly field: string; readonly message: string } | undefined {
  for (const [path, limit] of Object.entries(limits)) {
    for (const value of valuesAt(input, path.split(/\.|(?=\[)|(?=\{)/))) {
      const broken = brokenRule(value, limit);
      if (broken !== undefined) return { field: path, message: sentence(value, path, broken) };
    }
  }
  return undefined;
}

function valuesAt(value: unknown, [part, ...rest]: readonly string[]): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (part === undefined) return [value];
  const next =
    part === '[]' && Array.isArray(value)
      ? (value as unknown[])
      : !isJsonObject(value)
        ? []
        : part === '{key}'
          ? Object.keys(value)
          : part === '{value}'
            ? Object.values(value)
            : [value[part]];
  return next.flatMap((one) => valuesAt(one, rest));
}

function brokenRule(value: unknown, { min, max, pattern, oneOf }: Limit): string | undefined {
  const size = sizeOf(value);
  const what = typeof value === 'number' ? 'value' : 'length';
  if (min !== undefined && size < min) return `have ${what} greater than or equal to ${min}`;
  if (max !== undefined && size > max) return `have ${what} less than or equal to ${max}`;
  if (oneOf !== undefined && !oneOf.includes(String(value)))
    return `satisfy enum value set: [${oneOf.join(', ')}]`;
  if (pattern !== undefined && !pattern.test(String(value)))
    return `satisfy regular expression pattern: ${pattern.source}`;
  return undefined;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return Array.from(value).length;
  if (Array.isArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : 0;
}

function sentence(value: unknown, path: string, rule: string): string {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return `1 validation error detected: Value '${shown.slice(0, 200)}' at '${path}' failed to satisfy constraint: Member must ${rule}`;
}
