import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from '@sinclair/typebox';
import { EdgeError } from './errors.js';
import { silentSchema } from './silent-schema.js';
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
const ajv = new Ajv(OPTIONS);
/** Says yes or no: most values are right. */
const judge = compiler((schema) => ajv.compile(silentSchema(schema)));
/** Compiled for a value that is wrong. */
const witness = compiler((schema) => new Ajv({ ...OPTIONS, verbose: true }).compile(schema));

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

function compiler(compile: (schema: TSchema) => ValidateFunction): (schema: TSchema) => ValidateFunction {
  const compiled = new WeakMap<TSchema, ValidateFunction>();
  return (schema) => {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const check = compile(schema);
    compiled.set(schema, check);
    return check;
  };
}
