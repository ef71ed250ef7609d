import assert from 'node:assert/strict';
import { matching, satisfies } from '../../../src/recipe/mod.js';

describe('version requirements', () => {
  const table: readonly [string, string, boolean, boolean | 'refused'][] = [
    ['1.5.0', '>=1.0.0 <2.0.0', true, true],
    ['2.0.0', '>=1.0.0 <2.0.0', false, false],
    ['1.0.0', '1.0.0', true, true],
    ['1.0.0', '=1.0.0', true, true],
    ['1.0.1', '>1.0.0', true, true],
    ['1.0.0', '<=1.0.0', true, true],
    ['1.5.0', '^1.0.0', true, 'refused'],
    ['1.0.5', '~1.0.0', true, 'refused'],
    ['1.0.5', '1.0.x', true, 'refused'],
    ['1.0.5', '*', true, 'refused'],
    ['1.0.5', '>= 1.0.0', true, 'refused'],
    ['1.0.5', '1.0.0 || >1.0.1', true, 'refused'],
  ];
  for (const [version, requirement, nucleus, lite] of table) {
    it(`${requirement} against ${version}: ${nucleus} on the nucleus, ${lite} on lite`, () => {
      assert.equal(satisfies(version, requirement, 'nucleus'), nucleus);
      if (lite === 'refused') {
        assert.throws(() => satisfies(version, requirement, 'lite'), /Cannot read the version requirement/);
      } else {
        assert.equal(satisfies(version, requirement, 'lite'), lite);
      }
    });
  }

  it('orders what matches from the highest', () => {
    const all = ['1.9.0', '1.10.0', '2.0.0', '1.2.0'];
    assert.deepEqual(matching(all, ['>=1.0.0 <2.0.0', '>1.2.0'], 'lite'), ['1.10.0', '1.9.0']);
  });
});
