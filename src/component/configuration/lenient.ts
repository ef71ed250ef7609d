import { Kind, type TSchema } from '@sinclair/typebox';
import { isJsonObject, matches } from '../../core/mod.js';

/**
 * Values as the schema wants them, where they can only mean one thing. Nucleus lite gives YAML scalars as
 * strings, the Java nucleus integers as floats, and former users write "10" and "true"; what is still wrong
 * afterwards is for validation to name.
 */
export function coerce(schema: TSchema, value: unknown): unknown {
  switch (schema[Kind] === 'Unsafe' ? schema['type'] : schema[Kind]) {
    case 'Integer':
    case 'Number':
      return typeof value === 'string' ? numeric(value) : value;
    case 'Boolean':
      return typeof value === 'string' ? boolean(value) : value;
    case 'String':
    case 'string':
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    case 'Object':
      return coerceObject(schema, fromText(value));
    case 'Record':
      return coerceRecord(schema, fromText(value));
    case 'Array':
    case 'array':
      return coerceArray(schema, fromText(value));
    default:
      return value;
  }
}

/** `value` with the schema's defaults where keys are absent, at every depth. */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  const given = value === undefined ? structuredClone(schema.default as unknown) : value;
  const properties = schema['properties'] as Record<string, TSchema> | undefined;
  if (properties === undefined || !isJsonObject(given)) return given;
  const filled: Record<string, unknown> = { ...given };
  for (const [key, property] of Object.entries(properties)) {
    const part = withDefaults(property, filled[key]);
    if (part !== undefined) filled[key] = part;
  }
  return filled;
}

/**
 * `value` without the keys, at every depth, whose value is `''` or null: it stands for "not set", unless the schema
 * takes it as a value.
 */
export function withoutBlanks(schema: TSchema, value: unknown): unknown {
  if (Array.isArray(value) && schema['items'] !== undefined) {
    return value.map((part: unknown) => withoutBlanks(schema['items'] as TSchema, part));
  }
  // What the schema does not describe is for its own reader.
  if (!isJsonObject(value) || !('properties' in schema || 'patternProperties' in schema)) return value;
  const kept = Object.entries(value).flatMap(([key, part]) => {
    const below = schemaOf(schema, key);
    if ((part === '' || part === null) && (below === undefined || !matches(below, part))) return [];
    return [[key, below === undefined ? part : withoutBlanks(below, part)] as const];
  });
  return Object.fromEntries(kept);
}

function schemaOf(schema: TSchema, key: string): TSchema | undefined {
  const properties = (schema['properties'] ?? {}) as Record<string, TSchema>;
  if (Object.hasOwn(properties, key)) return properties[key];
  return Object.values((schema['patternProperties'] ?? {}) as Record<string, TSchema>)[0];
}

function coerceObject(schema: TSchema, value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const properties = (schema['properties'] ?? {}) as Record<string, TSchema>;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
      return [key, property === undefined ? part : coerce(property, part)];
    }),
  );
}

function coerceRecord(schema: TSchema, value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const pattern = Object.values((schema['patternProperties'] ?? {}) as Record<string, TSchema>)[0];
  if (pattern === undefined) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coerce(pattern, part)]));
}

function coerceArray(schema: TSchema, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const items = schema['items'] as TSchema | undefined;
  return items === undefined ? value : value.map((part: unknown) => coerce(items, part));
}

function numeric(text: string): unknown {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function boolean(text: string): unknown {
  const lower = text.trim().toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : text;
}

/** A merge document can hold an object or a list as JSON text only where every value must be a string. */
function fromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
