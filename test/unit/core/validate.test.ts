import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Type, type TSchema } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import { EdgeError, validate } from '../../../src/core/mod.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

function refusal(schema: TSchema, value: unknown): EdgeError {
  try {
    validate(schema, value, 'Cannot read it');
  } catch (thrown) {
    assert.ok(thrown instanceof EdgeError);
    return thrown;
  }
  throw new Error('It was accepted');
}

const of = (field: TSchema): TSchema => Type.Object({ x: field }, { additionalProperties: false });

/** For each keyword that our schemas use, a schema, a value that it refuses, and what a person reads. */
const SAMPLES: Readonly<Record<string, [schema: TSchema, value: unknown, sentence: string]>> = {
  type: [of(Type.Integer()), { x: 'a' }, `'x' must be a whole number: current value is "a"`],
  required: [of(Type.Integer()), {}, `'x' is missing`],
  additionalProperties: [of(Type.Integer()), { x: 1, y: 2 }, `'y' is not a known key: known are x`],
  const: [of(Type.Literal('a')), { x: 'b' }, `'x' must be "a": current value is "b"`],
  enum: [of(Type.Unsafe({ enum: ['a', 'b'] })), { x: 'c' }, `'x' must be one of a, b: current value is "c"`],
  anyOf: [
    of(Type.Union([Type.Literal('a'), Type.Literal('b')])),
    { x: 'c' },
    `'x' must be one of a, b: current value is "c"`,
  ],
  if: [
    of(Type.Unsafe({ if: { type: 'string' }, else: { type: 'integer' } })),
    { x: null },
    `'x' must be a whole number: current value is null`,
  ],
  minLength: [of(Type.String({ minLength: 1 })), { x: '' }, `'x' must not be empty: current value is ""`],
  maxLength: [
    of(Type.String({ maxLength: 1 })),
    { x: 'ab' },
    `'x' must have at most 1 character: current value is "ab"`,
  ],
  pattern: [
    of(Type.String({ pattern: '^a$' })),
    { x: 'b' },
    `'x' must have the form ^a$: current value is "b"`,
  ],
  minimum: [of(Type.Number({ minimum: 1 })), { x: 0 }, `'x' must be at least 1: current value is 0`],
  maximum: [of(Type.Number({ maximum: 1 })), { x: 2 }, `'x' must be at most 1: current value is 2`],
  exclusiveMinimum: [
    of(Type.Number({ exclusiveMinimum: 0 })),
    { x: 0 },
    `'x' must be more than 0: current value is 0`,
  ],
  exclusiveMaximum: [
    of(Type.Number({ exclusiveMaximum: 1 })),
    { x: 1 },
    `'x' must be less than 1: current value is 1`,
  ],
  minItems: [
    of(Type.Array(Type.Integer(), { minItems: 2 })),
    { x: [1] },
    `'x' must have at least 2 entries: current value is [1]`,
  ],
  maxItems: [
    of(Type.Array(Type.Integer(), { maxItems: 1 })),
    { x: [1, 2] },
    `'x' must have at most 1 entry: current value is [1,2]`,
  ],
  additionalItems: [
    of(Type.Unsafe({ type: 'array', items: [{ type: 'integer' }], additionalItems: false })),
    { x: [1, 2] },
    `'x' must have at most 1 entry: current value is [1,2]`,
  ],
  uniqueItems: [
    of(Type.Array(Type.Integer(), { uniqueItems: true })),
    { x: [7, 7] },
    `'x' must have no entry twice (0 and 1 are equal): current value is [7,7]`,
  ],
  minProperties: [
    of(Type.Record(Type.String(), Type.Integer(), { minProperties: 1 })),
    { x: {} },
    `'x' must not be empty: current value is {}`,
  ],
  maxProperties: [
    of(Type.Record(Type.String(), Type.Integer(), { maxProperties: 1 })),
    { x: { a: 1, b: 2 } },
    `'x' must have at most 1 key: current value is {"a":1,"b":2}`,
  ],
};

/** These refuse by others only, those below them, or not at all. */
const APPLICATORS = new Set([
  'id',
  'allOf',
  'then',
  'else',
  'properties',
  'patternProperties',
  'items',
  '$id',
  '$ref',
  'nullable',
]);

/** What each builder of TypeBox that we use writes into a schema. */
const BUILDERS: Readonly<Record<string, TSchema>> = {
  Array: Type.Array(Type.Integer()),
  Boolean: Type.Boolean(),
  Integer: Type.Integer(),
  Literal: Type.Literal(1),
  Null: Type.Null(),
  Number: Type.Number(),
  Object: Type.Object({ a: Type.Integer() }),
  Record: Type.Record(Type.String(), Type.Integer()),
  String: Type.String(),
  Tuple: Type.Tuple([Type.Integer()]),
  Union: Type.Union([Type.Integer(), Type.Null()]),
  Unknown: Type.Unknown(),
};
/** These only join or change schemas that others made. */
const COMBINATORS = new Set(['Composite', 'Omit', 'Optional', 'Partial', 'Unsafe']);

const COMMENT = /\/\*[^]*?\*\/|\/\/.*/g;
/** A key with a value of its own, which a field of a schema or of a TypeScript type has not. */
const OPTION = /\b(\w+): (?!Type\.|string\b|number\b|boolean\b|unknown\b)/g;

/** The keywords in the sources of all schemas: options by name, and what builders add. */
function usedKeywords(): Set<string> {
  const known = new Set(Object.keys(new Ajv().RULES.all));
  const used = new Set<string>();
  for (const folder of ['src', 'deploy']) {
    for (const name of readdirSync(root + folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const text = readFileSync(`${root}${folder}/${name}`, 'utf8').replaceAll(COMMENT, '');
      if (!text.includes("from '@sinclair/typebox'")) continue;
      for (const [, key = ''] of text.matchAll(OPTION)) if (known.has(key)) used.add(key);
      for (const [, builder = ''] of text.matchAll(/\bType\.([A-Z]\w*)\(/g)) {
        if (COMBINATORS.has(builder)) continue;
        const schema = BUILDERS[builder];
        assert.ok(schema, `BUILDERS says what Type.${builder} writes`);
        for (const key of Object.keys(JSON.parse(JSON.stringify(schema)) as object)) used.add(key);
      }
    }
  }
  return new Set([...used].filter((key) => !APPLICATORS.has(key)));
}

describe('what a schema refuses is told in our own words', () => {
  for (const [keyword, [schema, value, sentence]] of Object.entries(SAMPLES)) {
    it(`of ${keyword}`, () => assert.equal(refusal(schema, value).message, `Cannot read it as ${sentence}`));
  }

  it('for every keyword that a schema of ours uses', () => {
    const used = usedKeywords();
    assert.ok(used.has('minLength') && used.has('anyOf'), 'the sources were read');
    assert.deepEqual(
      [...used].filter((keyword) => !(keyword in SAMPLES)),
      [],
    );
  });

  it('with a reason for missing, unknown and wrong fields', () => {
    assert.equal(refusal(of(Type.Integer()), {}).reason, 'FIELD_MISSING');
    assert.equal(refusal(of(Type.Integer()), { x: 1, y: 1 }).reason, 'FIELD_UNKNOWN');
    assert.equal(refusal(of(Type.Integer()), { x: '' }).reason, 'FIELD_INVALID');
  });

  it('with the kinds of a union, or the branch that came farthest', () => {
    const device = Type.Union([Type.String({ pattern: '^[a-z]+$' }), Type.Object({ name: Type.String() })]);
    const told = (value: unknown): string => refusal(of(device), { x: value }).message;
    assert.equal(told(5), `Cannot read it as 'x' must be a string or an object: current value is 5`);
    assert.equal(told('A'), `Cannot read it as 'x' must have the form ^[a-z]+$: current value is "A"`);
    assert.equal(told({}), `Cannot read it as 'x.name' is missing`);
    assert.equal(told({ name: 1 }), `Cannot read it as 'x.name' must be a string: current value is 1`);
  });

  it('with a value that is cut, on one line, and no secret', () => {
    const { message } = refusal(of(Type.Integer()), { x: `\n\u202e${'a'.repeat(10_000)}` });
    assert.ok(message.length < 150);
    assert.doesNotMatch(message, /[\n\u202e]/);
    const salted = Type.Object({ hashSalt: Type.String({ minLength: 16 }) });
    assert.doesNotMatch(refusal(salted, { hashSalt: 'pssst' }).message, /pssst/);
    assert.doesNotMatch(refusal(Type.Integer(), { hashSalt: 'pssst' }).message, /pssst/);
  });

  it('with a name that is cut, where names are free', () => {
    assert.ok(refusal(of(Type.Integer()), { x: 1, ['k'.repeat(5000)]: 1 }).message.length < 200);
  });
});
