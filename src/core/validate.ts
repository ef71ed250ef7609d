import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from '@sinclair/typebox';
import { EdgeError } from './errors.js';
import { judgeOf, type Judge } from './judge.js';
import { violationOf } from './violation.js';

// Schemas are constants of ours: checking them against the meta-schema, and shortening the code that checks with
// them, would double what it costs to compile them.
const OPTIONS = {
  allErrors: false,
  strict: false,
  messages: false,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
  verbose: true,
  code: { optimize: false },
} as const;
/** Says yes or no: most values are right, and nothing is compiled for them. */
const judge = remembered<Judge>((schema) => {
  const judged = judgeOf(schema);
  return judged ?? ((value) => witness(schema)(value));
});
/** Compiled for a value that is wrong: it says why, and has the last word. */
const witness = remembered<ValidateFunction>((schema) => new Ajv(OPTIONS).compile(schema));

/**
 * `value` as the schema's type.
 * @param what the action in an error's first words, such as "Cannot read the manifest"
 * @throws EdgeError INVALID_ARGUMENT that names the field, what was wanted and what came: FIELD_MISSING,
 * FIELD_UNKNOWN or FIELD_INVALID
 */
export function validate<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  if (judge(schema)(value)) return value as Static<S>;
  const check = witness(schema);
  if (check(value)) return value as Static<S>;
  const { reason, field, sentence } = violationOf(check.errors ?? [], value);
  throw new EdgeError(reason, `${what} as ${sentence}`, { field });
}

/** Whether the schema takes this value. */
export function matches(schema: TSchema, value: unknown): boolean {
  return judge(schema)(value);
}

function remembered<T>(make: (schema: TSchema) => T): (schema: TSchema) => T {
  const made = new WeakMap<TSchema, T>();
  return (schema) => {
    const known = made.get(schema);
    if (known !== undefined) return known;
    const value = make(schema);
    made.set(schema, value);
    return value;
  };
}
