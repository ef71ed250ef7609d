import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { asyncApiDocument, CODES, operations } from '../../src/contract/mod.js';

const root = new URL('../../../', import.meta.url);

describe('the published protocol', () => {
  it('docs/protocol/asyncapi.json is what the code speaks (UPDATE_DOCS=1 writes it)', () => {
    const file = new URL('docs/protocol/asyncapi.json', root);
    const wanted = `${JSON.stringify(asyncApiDocument(), undefined, 2)}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(wanted));
  });

  it('names each operation as its key, so that op and topic never disagree', () => {
    for (const [name, operation] of Object.entries(operations)) assert.equal(operation.op, name);
  });

  it('docs/errors.md explains each code, and no other', () => {
    const text = readFileSync(new URL('docs/errors.md', root), 'utf8');
    const explained = [...text.matchAll(/^## ([A-Z_]+)$/gm)].map((match) => match[1]);
    assert.deepEqual(new Set(explained), new Set(CODES));
  });
});
