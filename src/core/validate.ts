import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from '@sinclair/typebox';
import { EdgeError } from './errors.js';
import { violationOf } from './violation.js';

// Schemas are constants of ours: checking them against the meta-schema, and shortening the code that checks with
// them, would double the start of every process, and a model host starts for each model.
const OPTIONS = {
  allErrors: false,
  strict: false,
  messages: false,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
  code: { optimize: false },
} as const;
/** Says yes or no. What it would take to tell why is a third of a schema's cost, and most values are right. */
const judge = compilerOf(new Ajv(OPTIONS));
const witness = compilerOf(new Ajv({ ...OPTIONS, verbose: true }));

/**
 * `value` as the schema's type.
 * @param what the action in an error's first words, such as "Cannot read the manifest"
 * @throws EdgeError INVALID_ARGUMENT that names the field, what was wanted and what came: FIELD_MISSING,
 * FIELD_UNKNOWN or FIELD_INVALID
 */
export function validate<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  if (judge(schema)(value)) return value as Static<S>;
  const check = witness(schema);
  check(value);
  const { reason, field, sentence } = violationOf(check.errors ?? [], value);
  throw new EdgeError(reason, `${what} as ${sentence}`, { field });
}

/** Whether the schema takes this value. */
export function matches(schema: TSchema, value: unknown): boolean {
  return judge(schema)(value) === true;
}

function compilerOf(ajv: Ajv): (schema: TSchema) => ValidateFunction {
  const compiled = new WeakMap<TSchema, ValidateFunction>();
  return (schema) => {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const check = ajv.compile(schema);
    compiled.set(schema, check);
    return check;
  };
}
