import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from '@sinclair/typebox';
import { EdgeError } from './errors.js';
import { violationOf } from './violation.js';

// Schemas are constants of ours: checking them against the meta-schema, and shortening the code that checks with
// them, would double the start of every process, and a model host starts for each model.
const ajv = new Ajv({
  allErrors: false,
  strict: false,
  verbose: true,
  messages: false,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
  code: { optimize: false },
});
const compiled = new WeakMap<TSchema, ValidateFunction>();

/**
 * `value` as the schema's type.
 * @param what the action in an error's first words, such as "Cannot read the manifest"
 * @throws EdgeError INVALID_ARGUMENT that names the field, what was wanted and what came: FIELD_MISSING,
 * FIELD_UNKNOWN or FIELD_INVALID
 */
export function validate<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  const check = checkOf(schema);
  if (check(value)) return value as Static<S>;
  const { reason, field, sentence } = violationOf(check.errors ?? [], value);
  throw new EdgeError(reason, `${what} as ${sentence}`, { field });
}

/** Whether the schema takes this value. */
export function matches(schema: TSchema, value: unknown): boolean {
  return checkOf(schema)(value) === true;
}

function checkOf(schema: TSchema): ValidateFunction {
  let check = compiled.get(schema);
  if (check === undefined) {
    check = ajv.compile(schema);
    compiled.set(schema, check);
  }
  return check;
}
