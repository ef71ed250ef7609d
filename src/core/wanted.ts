type Params = Readonly<Record<string, unknown>>;
type Schema = Readonly<Record<string, unknown>>;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

/** What each keyword of our schemas wants, in our words; a keyword that stands here not is told in general. */
const WANTED: Readonly<Record<string, (params: Params, schema: Schema) => string>> = {
  type: ({ type }) => `must be ${typeName(type)}`,
  const: ({ allowedValue }) => `must be ${JSON.stringify(allowedValue)}`,
  enum: ({ allowedValues }) => `must be one of ${listed(allowedValues)}`,
  anyOf: (_params, schema) => `must be ${alternatives(branchesOf(schema))}`,
  minLength: ({ limit }) =>
    limit === 1 ? 'must not be empty' : `must have at least ${String(limit)} characters`,
  maxLength: ({ limit }) => `must have at most ${counted(limit, 'character')}`,
  pattern: ({ pattern }) => `must have the form ${String(pattern)}`,
  minimum: ({ limit }) => `must be at least ${String(limit)}`,
  maximum: ({ limit }) => `must be at most ${String(limit)}`,
  exclusiveMinimum: ({ limit }) => `must be more than ${String(limit)}`,
  exclusiveMaximum: ({ limit }) => `must be less than ${String(limit)}`,
  minItems: ({ limit }) =>
    limit === 1 ? 'must not be empty' : `must have at least ${String(limit)} entries`,
  maxItems: ({ limit }) => `must have at most ${counted(limit, 'entry', 'entries')}`,
  additionalItems: ({ limit }) => `must have at most ${counted(limit, 'entry', 'entries')}`,
  uniqueItems: ({ i, j }) => `must have no entry twice (${String(i)} and ${String(j)} are equal)`,
  minProperties: ({ limit }) =>
    limit === 1 ? 'must not be empty' : `must have at least ${String(limit)} keys`,
  maxProperties: ({ limit }) => `must have at most ${counted(limit, 'key')}`,
};

/** What a keyword wants of a value, such as `must be at least 1`. */
export function wantedBy(keyword: string, params: Params, schema: Schema): string {
  return WANTED[keyword]?.(params, schema) ?? 'must be what docs and schema say';
}

function typeName(type: unknown): string {
  const types = Array.isArray(type) ? type.map(String) : String(type).split(',');
  return either(types.map((one) => TYPE_NAMES[one] ?? one));
}

function branchesOf({ anyOf }: Schema): readonly Schema[] {
  if (!Array.isArray(anyOf)) return [];
  return (anyOf as Schema[]).flatMap((branch) => ('anyOf' in branch ? branchesOf(branch) : [branch]));
}

/** Of a union: its values where it is an enumeration, else the kinds of its branches. */
function alternatives(branches: readonly Schema[]): string {
  const values = branches.flatMap(valuesOf);
  const kinds = branches
    .filter((branch) => valuesOf(branch).length === 0)
    .map(({ type }) => (type === undefined ? 'another form' : typeName(type)));
  const enumeration =
    values.length > 1 ? [`one of ${listed(values)}`] : values.map((one) => JSON.stringify(one));
  return either([...enumeration, ...new Set(kinds)]);
}

function valuesOf(branch: Schema): readonly unknown[] {
  if ('const' in branch) return [branch['const']];
  return Array.isArray(branch['enum']) ? branch['enum'] : [];
}

function listed(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : String(values);
}

function either(names: readonly string[]): string {
  return names.length < 2
    ? (names[0] ?? 'another value')
    : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

function counted(limit: unknown, one: string, many = `${one}s`): string {
  return `${String(limit)} ${limit === 1 ? one : many}`;
}
