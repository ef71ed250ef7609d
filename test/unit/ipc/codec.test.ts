import assert from 'node:assert/strict';
import { decodeMessage } from '../../../src/ipc/mod.js';

const decode = (text: string): unknown => decodeMessage(Buffer.from(text, 'utf8'), 'Cannot read it');
const nested = (levels: number, core = ''): string => '['.repeat(levels) + core + ']'.repeat(levels);

describe('decoding a message', () => {
  it('takes 32 levels and refuses 33', () => {
    assert.doesNotThrow(() => decode(nested(32)));
    assert.throws(() => decode(nested(33)), /nested deeper/);
  });

  it('does not count brackets within strings, whatever is escaped in them', () => {
    const brackets = '['.repeat(100);
    for (const text of [brackets, `\\"${brackets}`, `\\\\\\"${brackets}`, `${brackets}\\\\`]) {
      assert.doesNotThrow(() => decode(`{"a":"${text}"}`), text.slice(0, 8));
    }
  });

  it('counts what follows a string that ends in a backslash', () => {
    assert.throws(() => decode(nested(32, '["\\\\",[]]')), /nested deeper/);
  });

  it('tells an endless string from JSON', () => {
    assert.throws(() => decode('{"a":"\\"'), /not JSON/);
  });

  for (const key of ['__proto__', '\\u005f_proto__', '\\u005F\\u005fproto__']) {
    it(`drops the key ${key}`, () => {
      const value = decode(`{"a":{"${key}":{"polluted":true}},"b":1}`) as { a: object; b: number };
      assert.deepEqual(Object.getOwnPropertyNames(value.a), []);
      assert.equal(Object.getPrototypeOf(value.a), Object.prototype);
      assert.equal(value.b, 1);
    });
  }
});
