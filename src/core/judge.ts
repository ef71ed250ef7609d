/** Whether a schema takes a value; no more is told. */
export type Judge = (value: unknown) => boolean;

type Schema = Readonly<Record<string, unknown>>;
type Values = Readonly<Record<string, unknown>>;
/** Makes the part of a judge that one keyword wants; undefined where it can't be judged here. */
type Maker = (wanted: unknown, schema: Schema) => Judge | undefined;

/** They say something to people and tools, and refuse nothing. `then` and `else` belong to `if`. */
const SILENT = new Set(['$id', '$schema', 'title', 'description', 'default', 'examples', 'then', 'else']);

const YES: Judge = () => true;

/** By keyword, in the order in which they are asked: what costs least and refuses most is first. */
const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['type', (wanted) => someOf([wanted].flat().map((type) => TYPES.get(type)))],
  ['const', (wanted) => oneOf([wanted])],
  ['enum', (wanted) => oneOf(wanted as readonly unknown[])],
  [
    'minLength',
    (min) => ofString((text) => text.length >= 2 * Number(min) || codePoints(text) >= Number(min)),
  ],
  ['maxLength', (max) => ofString((text) => text.length <= Number(max) || codePoints(text) <= Number(max))],
  ['minimum', (min) => ofNumber((number) => number >= Number(min))],
  ['maximum', (max) => ofNumber((number) => number <= Number(max))],
  ['exclusiveMinimum', (min) => ofNumber((number) => number > Number(min))],
  ['exclusiveMaximum', (max) => ofNumber((number) => number < Number(max))],
  ['minItems', (min) => ofArray(({ length }) => length >= Number(min))],
  ['maxItems', (max) => ofArray(({ length }) => length <= Number(max))],
  ['minProperties', (min) => ofObject((values) => Object.keys(values).length >= Number(min))],
  ['maxProperties', (max) => ofObject((values) => Object.keys(values).length <= Number(max))],
  ['required', required],
  ['pattern', (pattern) => ofString(tester(pattern))],
  ['additionalProperties', additionalProperties],
  ['properties', properties],
  ['patternProperties', patternProperties],
  ['items', items],
  ['additionalItems', additionalItems],
  ['uniqueItems', uniqueItems],
  ['not', (schema) => negated(judgeOf(schema))],
  ['if', condition],
  ['allOf', (schemas) => everyOf((schemas as readonly unknown[]).map(judgeOf))],
  ['anyOf', (schemas) => someOf((schemas as readonly unknown[]).map(judgeOf))],
]);

const TYPES: ReadonlyMap<unknown, Judge> = new Map<unknown, Judge>([
  ['string', (value) => typeof value === 'string'],
  // Infinity is both, as for ajv; no JSON holds it.
  ['number', (value) => typeof value === 'number'],
  ['integer', (value) => Number.isInteger(value) || value === Infinity || value === -Infinity],
  ['boolean', (value) => typeof value === 'boolean'],
  ['null', (value) => value === null],
  ['array', (value) => Array.isArray(value)],
  ['object', isObject],
]);

/**
 * The schema as functions, made in a hundredth of the time in which ajv writes and compiles code for it: most
 * processes read few values by each of their schemas, and a start reads one by nearly all of them. It says the same as
 * ajv, to which a test holds it.
 * @returns undefined where the schema has a keyword that is not known here
 */
export function judgeOf(schema: unknown): Judge | undefined {
  if (typeof schema === 'boolean') return () => schema;
  const given = schema as Schema;
  const known = Object.keys(given).every((keyword) => MAKERS.has(keyword) || SILENT.has(keyword));
  if (!known) return undefined;
  const parts = [...MAKERS].flatMap(([keyword, make]) =>
    given[keyword] === undefined ? [] : [make(given[keyword], given)],
  );
  return everyOf(parts);
}

function everyOf(parts: readonly (Judge | undefined)[]): Judge | undefined {
  const judges = known(parts);
  if (judges === undefined || judges.length > 1)
    return judges && ((value) => judges.every((judge) => judge(value)));
  return judges[0] ?? YES;
}

function someOf(parts: readonly (Judge | undefined)[]): Judge | undefined {
  const judges = known(parts);
  return judges?.length === 1 ? judges[0] : judges && ((value) => judges.some((judge) => judge(value)));
}

function allOf(schemas: readonly unknown[]): readonly Judge[] | undefined {
  return known(schemas.map(judgeOf));
}

function known(judges: readonly (Judge | undefined)[]): readonly Judge[] | undefined {
  const present = judges.filter((judge) => judge !== undefined);
  return present.length === judges.length ? present : undefined;
}

function negated(judge: Judge | undefined): Judge | undefined {
  return judge === undefined ? undefined : (value) => !judge(value);
}

function oneOf(wanted: readonly unknown[]): Judge | undefined {
  if (!wanted.every(isPrimitive)) return undefined;
  return (value) => wanted.includes(value);
}

function condition(tested: unknown, schema: Schema): Judge | undefined {
  const judges = allOf([tested, schema['then'] ?? true, schema['else'] ?? true]);
  if (judges === undefined) return undefined;
  const [holds = YES, then = YES, otherwise = YES] = judges;
  return (value) => (holds(value) ? then(value) : otherwise(value));
}

function required(names: unknown): Judge {
  const wanted = names as readonly string[];
  return ofObject((values) => wanted.every((name) => values[name] !== undefined));
}

function properties(schemas: unknown): Judge | undefined {
  const judges = allOf(Object.values(schemas as Schema));
  if (judges === undefined) return undefined;
  const named = Object.keys(schemas as Schema).map((name, index) => [name, judges[index] ?? YES] as const);
  return ofObject((values) =>
    named.every(([name, judge]) => values[name] === undefined || judge(values[name])),
  );
}

function patternProperties(schemas: unknown): Judge | undefined {
  const judges = allOf(Object.values(schemas as Schema));
  if (judges === undefined) return undefined;
  const named = Object.keys(schemas as Schema).map(
    (name, index) => [tester(name), judges[index] ?? YES] as const,
  );
  return ofObject((values) =>
    everyKey(values, (key) => named.every(([isNamed, judge]) => !isNamed(key) || judge(values[key]))),
  );
}

function additionalProperties(rest: unknown, schema: Schema): Judge | undefined {
  const judge = judgeOf(rest);
  if (judge === undefined || rest === true) return judge;
  const names = new Set(Object.keys((schema['properties'] ?? {}) as Schema));
  const tests = Object.keys((schema['patternProperties'] ?? {}) as Schema).map(tester);
  return ofObject((values) =>
    everyKey(values, (key) => names.has(key) || tests.some((test) => test(key)) || judge(values[key])),
  );
}

function items(schemas: unknown): Judge | undefined {
  if (!Array.isArray(schemas)) {
    const judge = judgeOf(schemas);
    return judge === undefined ? undefined : ofArray((values) => values.every(judge));
  }
  const judges = allOf(schemas);
  return (
    judges &&
    ofArray((values) => judges.every((judge, index) => index >= values.length || judge(values[index])))
  );
}

function additionalItems(rest: unknown, schema: Schema): Judge | undefined {
  const { items: first } = schema;
  const judge = judgeOf(rest);
  if (judge === undefined || !Array.isArray(first)) return judge === undefined ? undefined : YES;
  return ofArray((values) => values.slice(first.length).every(judge));
}

/** Others are equal by what they hold: that is left to ajv. */
function uniqueItems(wanted: unknown, { items: schema }: Schema): Judge | undefined {
  if (wanted !== true) return YES;
  const { type } = (schema ?? {}) as Schema;
  if (typeof type !== 'string' || type === 'array' || type === 'object') return undefined;
  return ofArray((values) => new Set(values).size === values.length);
}

function ofString(judge: (text: string) => boolean): Judge {
  return (value) => typeof value !== 'string' || judge(value);
}

function ofNumber(judge: (number: number) => boolean): Judge {
  return (value) => typeof value !== 'number' || judge(value);
}

function ofArray(judge: (values: readonly unknown[]) => boolean): Judge {
  return (value) => !Array.isArray(value) || judge(value);
}

function ofObject(judge: (values: Values) => boolean): Judge {
  return (value) => !isObject(value) || judge(value);
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function everyKey(values: Values, judge: (key: string) => boolean): boolean {
  // Those that a value inherits too, as ajv does.
  for (const key in values) if (!judge(key)) return false;
  return true;
}

function tester(pattern: unknown): (text: string) => boolean {
  const expression = new RegExp(String(pattern), 'u');
  return (text) => expression.test(text);
}

/** As JSON Schema counts: a pair of surrogates is one character. */
function codePoints(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; count++) index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  return count;
}
