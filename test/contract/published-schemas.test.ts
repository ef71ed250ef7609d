import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { isJsonObject, type Json, type JsonObject } from '../../src/core/mod.js';
import { testRecord } from '../lib/spool-fixture.js';
import { blocksOf } from '../lib/documented.js';
import { renderedLines } from '../lib/rendered-records.js';

const root = new URL('../../../', import.meta.url);
const python = spawnSync('python3', ['-c', 'import jsonschema'], { stdio: 'ignore' }).status === 0;

/** Standard input: [schema, [document...]]. Checks the schema, and prints whether each document is valid. */
const CHECK = `
import json, sys
from jsonschema.validators import validator_for
schema, documents = json.load(sys.stdin)
cls = validator_for(schema)
cls.check_schema(schema)
validator = cls(schema)
json.dump([validator.is_valid(document) for document in documents], sys.stdout)
`;

interface Published {
  readonly file: string;
  readonly schema: JsonObject;
  /** With what a reader must say of them. */
  readonly documents: readonly (readonly [document: unknown, isValid: boolean])[];
}

const LINES = await renderedLines([testRecord(1), testRecord(2, { reasons: [], clockSynchronised: false })]);
const RECORDS: Published['documents'] = [
  ...LINES.map((line) => [line, true] as const),
  ...LINES.slice(0, 1).flatMap((line) => [
    [{ ...line, more: 'readers tolerate unknown keys' }, true] as const,
    [{ ...line, eventVersion: '1' }, false] as const,
    [{ ...line, deviceFleetInputs: [{ name: 'x' }] }, false] as const,
  ]),
];

describe('the schemas that we publish', () => {
  const published: readonly Published[] = [
    { file: 'docs/fleets.schema.json', schema: read('docs/fleets.schema.json'), documents: fleets() },
    { file: 'docs/records.schema.json', schema: read('docs/records.schema.json'), documents: RECORDS },
    ...messages(),
  ];

  for (const { file, schema, documents } of published) {
    it(`${file}: ajv takes it in strict mode, and judges documents rightly`, () => {
      const validator = new Ajv({ strict: true, allErrors: true }).compile(schema);
      assert.deepEqual(
        documents.map(([document]) => validator(document)),
        documents.map(([, isValid]) => isValid),
      );
    });
  }

  it('say which draft they are in and what their name is', () => {
    for (const { file, schema } of published.filter((one) => !one.file.includes('#'))) {
      assert.equal(schema['$schema'], 'http://json-schema.org/draft-07/schema#', file);
      assert.ok(URL.canParse(JSON.stringify(schema['$id']).slice(1, -1)), `${file} has no $id`);
    }
    const ids = published.flatMap(({ schema }) => schema['$id'] ?? []);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('hold no pattern that readers take differently', () => {
    for (const { file, schema } of published)
      for (const pattern of patternsIn(schema)) {
        // Properties of characters are JavaScript's alone; \\s and \\w hold other characters in Python.
        assert.doesNotMatch(pattern, /\\[pPswdSWDb]/, `${file}: ${pattern}`);
      }
  });

  it(`are the same to Python's jsonschema${python ? '' : ' (skipped: no python3 with jsonschema)'}`, function () {
    if (!python) return this.skip();
    for (const { file, schema, documents } of published) {
      const input = JSON.stringify([schema, documents.map(([document]) => document)]);
      const { status, stdout, stderr } = spawnSync('python3', ['-c', CHECK], { input, encoding: 'utf8' });
      assert.equal(status, 0, `${file}: ${stderr}`);
      assert.deepEqual(
        JSON.parse(stdout),
        documents.map(([, isValid]) => isValid),
        file,
      );
    }
  }).timeout(120_000);
});

function read(file: string): JsonObject {
  return JSON.parse(readFileSync(new URL(file, root), 'utf8')) as JsonObject;
}

function fleets(): Published['documents'] {
  const shown = blocksOf('docs/fleets.md').find(({ language }) => language === 'yaml')?.text ?? '';
  const fleet = (change: JsonObject): JsonObject => ({ fleets: { Cameras: change } });
  return [
    [parse(shown), true],
    [fleet({}), true],
    [fleet({ devices: ['a', { name: 'b', description: 'At the gate: ünï ☃' }] }), true],
    [fleet({ devices: ['no name'] }), false],
    [fleet({ devices: [7] }), false],
    [fleet({ devices: [{ name: 'b', colour: 'red' }] }), false],
    [fleet({ devices: [{ name: 'b', description: 'two\nlines' }] }), false],
    [fleet({ devices: [{ name: 'b', description: 'two\u2028lines' }] }), false],
    [fleet({ tags: { 'Straße 7': 'Größe=5' } }), true],
    [fleet({ tags: { 'aws:x': 'y' } }), false],
    [fleet({ tags: { a: 'b;c' } }), false],
    [fleet({ tags: { a: 'x'.repeat(257) } }), false],
    [{ fleets: {} }, false],
    [fleet({ surprise: 1 }), false],
  ];
}

/** The payloads of the wire, which stand in AsyncAPI's document. */
function messages(): Published[] {
  const document = read('docs/protocol/asyncapi.json');
  const { messages: all, schemas } = document['components'] as Record<string, Record<string, JsonObject>>;
  return [
    ...Object.entries(all ?? {}).flatMap(([name, message]) =>
      isJsonObject(message['payload']) && message['payload']['$ref'] === undefined
        ? [{ file: `docs/protocol/asyncapi.json#${name}`, schema: message['payload'], documents: [] }]
        : [],
    ),
    ...Object.entries(schemas ?? {}).map(([name, schema]) => ({
      file: `docs/protocol/asyncapi.json#${name}`,
      schema,
      documents: [],
    })),
  ];
}

function patternsIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(patternsIn);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    if (key === 'pattern' && typeof one === 'string') return [one];
    if (key === 'patternProperties' && isJsonObject(one))
      return [...Object.keys(one), ...Object.values(one).flatMap(patternsIn)];
    return patternsIn(one);
  });
}
