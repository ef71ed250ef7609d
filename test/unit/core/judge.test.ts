import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { TSchema } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import * as contract from '../../../src/contract/mod.js';
import { SeededRandom } from '../../../src/core/mod.js';
import { judgeOf } from '../../../src/core/judge.js';
import * as configuration from '../../../src/runtime/config/mod.js';
import * as model from '../../../src/model/mod.js';
import * as registry from '../../../src/runtime/registry/mod.js';

const RANDOM_SCHEMAS = 400;
const VALUES = 30;

/** As our schemas were compiled before there was a judge. */
function ajvOf(schema: object | boolean): (value: unknown) => boolean {
  const options = { strict: false, allowUnionTypes: true, meta: false, validateSchema: false } as const;
  return new Ajv(options).compile(schema);
}

const PRIMITIVES = [
  '',
  'a',
  'ab',
  'aab',
  '1',
  '\u{1f600}',
  '\u{1f600}\u{1f600}',
  'x\ny',
  'b\u0000',
  0,
  -0,
  1,
  1.5,
  -3,
  7,
]
  .concat([Number.NaN, Infinity, 2 ** 60] as never)
  .concat([true, false, null] as never) as readonly unknown[];
const NAMES = ['a', 'b', 'x1', 'toString', '\u{1f600}', 'a\nb'];
const PATTERNS = ['^a', 'b$', '^.$', '^[a-c]*$', '\\d', '^(.*)$', '^x', '^[^\\u0000]*$', '^\\p{L}+$'];
const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'];

/** Schemas of all keywords that a judge knows, and values that may fit them. */
class Dice {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  chance(part: number): boolean {
    return this.#random.fraction() < part;
  }

  upTo(most: number): number {
    return Math.floor(this.#random.fraction() * (most + 1));
  }

  of<T>(all: readonly T[]): T {
    return all[this.upTo(all.length - 1)] as T;
  }

  some<T>(make: () => T, least = 0): T[] {
    return Array.from({ length: least + this.upTo(2) }, make);
  }

  value(depth = 3): unknown {
    if (depth === 0 || this.chance(0.5)) return this.of(PRIMITIVES);
    if (this.chance(0.4)) return this.some(() => this.value(depth - 1));
    const entries = this.some(() => [this.of(NAMES), this.chance(0.1) ? undefined : this.value(depth - 1)]);
    const value = Object.fromEntries(entries) as object;
    // What a value inherits counts for ajv as its own.
    return this.chance(0.1) ? (Object.create(value) as object) : value;
  }

  schema(depth = 3): object | boolean {
    if (this.chance(0.05)) return this.chance(0.7);
    const makers = Object.entries(this.#keywords(depth));
    const chosen = this.some(() => this.of(makers), 1).map(([keyword, make]) => [keyword, make()] as const);
    const type = this.chance(0.3) ? this.some(() => this.of(TYPES), 1) : this.of(TYPES);
    return { ...(this.chance(0.6) ? { type } : {}), ...Object.fromEntries(chosen), ...this.#joint(depth) };
  }

  /** Keywords that look at each other. */
  #joint(depth: number): object {
    if (depth === 0 || this.chance(0.6)) return {};
    const inner = (): object | boolean => this.schema(depth - 1);
    const named = (names: readonly string[]): object =>
      Object.fromEntries(names.map((name) => [name, inner()]));
    return this.of([
      () =>
        Object.fromEntries(
          ['if', 'then', this.of(['else', 'title'])].map((keyword) => [keyword, inner()]),
        ) as object,
      () => ({ properties: named(this.some(() => this.of(NAMES))), additionalProperties: inner() }),
      () => ({
        patternProperties: named(this.some(() => this.of(PATTERNS), 1)),
        additionalProperties: false,
      }),
      () => ({ items: this.some(inner), additionalItems: this.chance(0.5) ? false : inner() }),
      () => ({ items: { type: this.of(['string', 'integer', 'null']) }, uniqueItems: true }),
    ])();
  }

  #keywords(depth: number): Readonly<Record<string, () => unknown>> {
    const few = (): number => this.upTo(3);
    const inner = (): object | boolean => this.schema(depth - 1);
    const flat = {
      const: () => this.of(PRIMITIVES.filter((value) => !Number.isNaN(value))),
      enum: () => this.some(() => this.of(PRIMITIVES.slice(0, 13)), 1),
      minLength: few,
      maxLength: few,
      minItems: few,
      maxItems: few,
      minProperties: few,
      maxProperties: few,
      minimum: few,
      maximum: few,
      exclusiveMinimum: few,
      exclusiveMaximum: few,
      pattern: () => this.of(PATTERNS),
      required: () => [...new Set(this.some(() => this.of(NAMES), 1))],
      title: () => 'said to people',
    };
    if (depth === 0) return flat;
    const nested = {
      items: inner,
      not: inner,
      allOf: () => this.some(inner, 1),
      anyOf: () => this.some(inner, 1),
      properties: () => Object.fromEntries(this.some(() => [this.of(NAMES), inner()])) as object,
      additionalProperties: inner,
    };
    return { ...flat, ...nested };
  }
}

/** A value that the schema may take, often wrong in one place. */
function fitting(dice: Dice, schema: Record<string, unknown>, depth = 6): unknown {
  if (dice.chance(0.03) || depth === 0) return dice.value(2);
  const branches = (schema['anyOf'] ?? schema['allOf']) as Record<string, unknown>[] | undefined;
  if (branches !== undefined) return fitting(dice, dice.of(branches), depth - 1);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return dice.of(schema['enum']);
  switch (schema['type']) {
    case 'object': {
      const properties = Object.entries(
        (schema['properties'] ?? {}) as Record<string, Record<string, unknown>>,
      );
      const present = properties.filter(() => !dice.chance(0.1));
      const extra = dice.chance(0.05) ? [['extra', 1] as const] : [];
      const of = ([name, inner]: (typeof properties)[number]) =>
        [name, fitting(dice, inner, depth - 1)] as const;
      return Object.fromEntries([...present.map(of), ...extra]);
    }
    case 'array': {
      const items = (schema['items'] ?? {}) as Record<string, unknown>;
      return Array.isArray(items)
        ? items.map((inner: Record<string, unknown>) => fitting(dice, inner, depth - 1))
        : dice.some(() => fitting(dice, items, depth - 1));
    }
    case 'string':
      return dice.of([
        'a',
        'Name',
        '1.0.0',
        'a'.repeat(64),
        '0'.repeat(64),
        '2026-01-01T00:00:00Z',
        '/folder',
        '',
      ]);
    case 'boolean':
      return dice.chance(0.5);
    case 'integer':
    case 'number':
      return dice.of([0, 1, 10, 1.5, 1024, -1]);
    default:
      return dice.value(2);
  }
}

/** The schemas that rooms of ours export, and what stands in them. */
function ourSchemas(): TSchema[] {
  const found = new Set<object>();
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || found.has(value)) return;
    if (Object.getOwnPropertySymbols(value).some(({ description }) => description === 'TypeBox.Kind'))
      found.add(value);
    else if (Object.getPrototypeOf(value) === Object.prototype) Object.values(value).forEach(collect);
  };
  for (const room of [contract, configuration, model, registry]) Object.values(room).forEach(collect);
  return [...found] as TSchema[];
}

describe('a judge of a schema says what ajv says', () => {
  it('of random values by random schemas of every keyword', () => {
    const dice = new Dice(7);
    const said = { yes: 0, no: 0, unknown: 0 };
    for (let number = 0; number < RANDOM_SCHEMAS; number++) {
      const schema = dice.schema();
      const judge = judgeOf(schema);
      if (judge === undefined) {
        said.unknown++;
        continue;
      }
      const ajv = ajvOf(schema);
      for (let index = 0; index < VALUES; index++) {
        const value = dice.value();
        const wanted = ajv(value);
        said[wanted ? 'yes' : 'no']++;
        assert.equal(judge(value), wanted, `${JSON.stringify(schema)} of ${inspect(value)}`);
      }
    }
    assert.ok(Math.min(said.yes, said.no) > 1500, `both were tried: ${JSON.stringify(said)}`);
    assert.ok(said.unknown < RANDOM_SCHEMAS / 20);
  });

  it('of values by each schema of ours, none of which is left to ajv', () => {
    const dice = new Dice(11);
    const schemas = ourSchemas();
    assert.ok(schemas.length > 50, `${schemas.length} were found`);
    let fits = 0;
    for (const schema of schemas) {
      const judge = judgeOf(schema);
      assert.ok(judge, `nothing of ${JSON.stringify(schema).slice(0, 200)} is unknown`);
      const ajv = ajvOf(schema);
      for (let index = 0; index < 100; index++) {
        const value = fitting(dice, schema);
        const wanted = ajv(value);
        if (wanted) fits++;
        assert.equal(judge(value), wanted, `${JSON.stringify(schema).slice(0, 500)} of ${inspect(value)}`);
      }
    }
    assert.ok(fits > schemas.length * 10, `${fits} fitted`);
  });

  for (const keyword of [
    '$ref',
    'format',
    'multipleOf',
    'contains',
    'propertyNames',
    'dependencies',
    'oneOf',
  ]) {
    it(`by leaving ${keyword} to it`, () => {
      assert.equal(judgeOf({ type: 'object', properties: { a: { [keyword]: 1 } } }), undefined);
    });
  }

  it('by leaving to it what is equal by what it holds', () => {
    assert.equal(judgeOf({ enum: [{ a: 1 }] }), undefined);
    assert.equal(judgeOf({ uniqueItems: true, items: { type: 'object' } }), undefined);
  });
});
