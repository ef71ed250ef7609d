import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from '@sinclair/typebox';
import { EdgeError } from './errors.js';

// Schemas are constants of ours: checking them against the meta-schema, and shortening the code that checks with
// them, would double the start of every process, and a model host starts for each model.
const ajv = new Ajv({
  allErrors: false,
  strict: false,
  verbose: true,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
  code: { optimize: false },
});
const compiled = new WeakMap<TSchema, ValidateFunction>();

/**
 * `value` as the schema's type, or an INVALID_ARGUMENT that names the field, what was wanted and what came.
 * @param what the action in an error's first words, such as "Cannot read the manifest"
 */
export function validate<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  const check = checkOf(schema);
  if (check(value)) return value as Static<S>;
  const first = check.errors?.[0];
  const { field, sentence } = describe(first, value);
  throw new EdgeError('FIELD_INVALID', `${what} as ${sentence}`, { field });
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

function describe(error: ErrorObject | undefined, root: unknown): { field: string; sentence: string } {
  if (error === undefined) return { field: '', sentence: 'it is not valid' };
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = join([...path, String(params['additionalProperty'])]);
      return { field, sentence: `'${field}' is not a known key${knownKeys(error)}` };
    }
    case 'required': {
      const field = join([...path, String(params['missingProperty'])]);
      return { field, sentence: `'${field}' is missing` };
    }
    default: {
      const field = join(path);
      const wanted = error.keyword === 'enum' ? ` (${list(params['allowedValues'])})` : '';
      const name = field === '' ? 'it' : `'${field}'`;
      return {
        field,
        sentence: `${name} ${error.message ?? 'is not valid'}${wanted}: current value is ${shown(at(root, path))}`,
      };
    }
  }
}

function knownKeys(error: ErrorObject): string {
  const properties = (error.parentSchema as { properties?: object } | undefined)?.properties;
  return properties === undefined ? '' : `: known are ${Object.keys(properties).join(', ')}`;
}

function list(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : String(values);
}

function at(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function join(path: readonly string[]): string {
  return path.reduce(
    (text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
