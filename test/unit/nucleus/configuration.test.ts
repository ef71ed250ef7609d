import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../../src/core/mod.js';
import {
  changedLeaves,
  deployedConfiguration,
  eventsFor,
  merged,
  withValueAt,
} from '../../../src/local/nucleus/configuration.js';

const json = fc.dictionary(
  fc.constantFrom('a', 'b', 'c'),
  fc.oneof(
    fc.integer(),
    fc.string(),
    fc.array(fc.integer(), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('x', 'y'),
      fc.oneof(fc.boolean(), fc.dictionary(fc.constant('z'), fc.nat())),
    ),
  ),
) as fc.Arbitrary<JsonObject>;

describe('merged', () => {
  it('replaces lists and scalars, and merges maps', () => {
    const base = { list: [1, 2], map: { a: 1, b: 2 }, text: 'a' };
    assert.deepEqual(merged(base, { list: [3], map: { b: 3 }, text: { now: 'a map' } }), {
      list: [3],
      map: { a: 1, b: 3 },
      text: { now: 'a map' },
    });
  });

  it('leaves its arguments alone and gives nothing of them away', () => {
    const base = { map: { a: 1 } };
    const update = { map: { b: { c: 1 } } };
    const result = merged(base, update) as { map: { b: { c: number } } };
    result.map.b.c = 2;
    assert.deepEqual([base, update], [{ map: { a: 1 } }, { map: { b: { c: 1 } } }]);
  });

  it('merged twice is merged once', () => {
    fc.assert(
      fc.property(json, json, (base, update) => {
        const once = merged(base, update);
        assert.deepEqual(merged(once, update), once);
      }),
    );
  });
});

describe('deployedConfiguration', () => {
  const defaults = { a: 1, map: { x: 1, y: 2 }, list: ['a'] };

  it('is the default on the first deployment, below what is merged', () => {
    assert.deepEqual(deployedConfiguration(undefined, defaults, { merge: { a: 2 } }), { ...defaults, a: 2 });
  });

  it('resets to the default before it merges', () => {
    const present = { a: 9, map: { x: 9, y: 9, z: 9 }, list: ['z'], own: true };
    const update = { reset: ['/a', '/map/x', '/none/such', '/list'], merge: { map: { y: 7 } } };
    assert.deepEqual(deployedConfiguration(present, defaults, update), {
      a: 1,
      map: { x: 1, y: 7, z: 9 },
      list: ['a'],
      own: true,
    });
  });

  it('reads escapes in pointers, and resets no element of a list', () => {
    const present = { 'a/b': 1, '~c': 2, list: [1, 2] };
    const update = { reset: ['/a~1b', '/~0c', '/list/0'] };
    assert.deepEqual(deployedConfiguration(present, {}, update), { list: [1, 2] });
  });

  it('takes "" as everything', () => {
    assert.deepEqual(deployedConfiguration({ own: 1 }, defaults, { reset: [''] }), defaults);
  });

  it('refuses a pointer without a slash', () => {
    assert.throws(() => deployedConfiguration({}, {}, { reset: ['a'] }), /must be a JSON pointer/);
  });
});

describe('changes of a configuration', () => {
  const leaves = changedLeaves({ a: { x: 1, y: 1, z: 1 }, b: 1 }, { b: 1, c: { d: 1 }, a: { x: 2, y: 1 } });

  it('are told leaf by leaf', () => {
    const changes = [
      ['a', 'x'],
      ['a', 'z'],
    ];
    assert.deepEqual(eventsFor(leaves, ['a'], 'lite'), changes);
    assert.deepEqual(eventsFor(leaves, ['a'], 'nucleus'), changes);
    assert.deepEqual(eventsFor(leaves, ['a', 'x'], 'nucleus'), [['a', 'x']]);
    assert.deepEqual(eventsFor(leaves, ['b'], 'lite'), []);
  });

  it('are told twice of a new leaf on the Java nucleus, when it is made and when it gets its value', () => {
    assert.deepEqual(eventsFor(leaves, ['c'], 'nucleus'), [
      ['c', 'd'],
      ['c', 'd'],
    ]);
    assert.deepEqual(eventsFor(leaves, ['c'], 'lite'), [['c', 'd']]);
  });

  it('are none exactly where nothing changed', () => {
    fc.assert(
      fc.property(json, json, (before, update) => {
        const after = withValueAt(before, [], update);
        const isSame = JSON.stringify(before) === JSON.stringify(after);
        assert.equal(changedLeaves(before, after).length === 0, isSame);
      }),
    );
  });
});
