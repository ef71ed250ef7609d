import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const client = new URL('../../../src/client/', import.meta.url);
/** A function or public method, and the comment right above it. */
const FUNCTION =
  /(\/\*\*(?:(?!\*\/)[^])*\*\/\n)?^(?:export (?:async )?function|  (?:static )?async) (?<name>\w+)[<(]/gm;
/** Overloads of one function share its description. */
const OVERLOADS = new Set(['elements', 'connect']);

function functionsOf(file: string): { name: string; comment: string }[] {
  const text = readFileSync(new URL(file, client), 'utf8');
  const found = [...text.matchAll(FUNCTION)].map((match) => ({
    name: match.groups?.['name'] ?? '',
    comment: match[1] ?? '',
  }));
  return found.filter(
    ({ name, comment }, index) =>
      !(OVERLOADS.has(name) && comment === '' && found.findIndex((one) => one.name === name) < index),
  );
}

describe('the public client', () => {
  const files = [
    ...readFileSync(new URL('mod.ts', client), 'utf8').matchAll(/^export \* from '\.\/(.*)\.js'/gm),
  ]
    .map((match) => `${match[1]}.ts`)
    .filter((file) => functionsOf(file).length > 0);

  it('stands in some files', () => assert.ok(files.includes('client.ts')));

  for (const file of files) {
    for (const { name, comment } of functionsOf(file).filter((one) => one.name !== 'close')) {
      it(`describes ${name} of ${file} with an example`, () => {
        assert.match(comment, /@example/, `${name} shows how it is called`);
      });
    }
  }
});
