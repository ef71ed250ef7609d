import { strict as assert } from 'node:assert';
import { Type } from '@sinclair/typebox';
import { checkedJson } from '../../../src/core/mod.js';

const Note = Type.Object({ atMs: Type.Number(), text: Type.Optional(Type.String({ maxLength: 5 })) });

describe('checkedJson', () => {
  it('gives what its reader takes', () => {
    assert.equal(
      checkedJson(Note, { atMs: 1, text: 'short' }, 'Cannot write the note'),
      '{"atMs":1,"text":"short"}',
    );
  });

  for (const [what, note, message] of [
    ['a text that is too long', { atMs: 1, text: 'longer' }, /Cannot write the note as 'text' must/],
    ['a number that JSON does not know', { atMs: Number.NaN }, /Cannot write the note as 'atMs' must/],
  ] as const) {
    it(`refuses ${what}, as a fault of ours`, () => {
      assert.throws(() => checkedJson(Note, note, 'Cannot write the note'), { code: 'INTERNAL', message });
    });
  }
});
