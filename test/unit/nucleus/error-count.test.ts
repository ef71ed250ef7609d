import assert from 'node:assert/strict';
import { ErrorCount } from '../../../src/local/nucleus/error-count.js';

const HOUR_MS = 3_600_000;

describe('three errors within an hour', () => {
  for (const profile of ['nucleus', 'lite'] as const) {
    it(`break a component on ${profile}`, () => {
      const errors = new ErrorCount(profile);
      assert.deepEqual(
        [0, 1, HOUR_MS - 1].map((atMs) => errors.add('STARTING', atMs)),
        [false, false, true],
      );
    });

    it(`do not where they are further apart, on ${profile}`, () => {
      const errors = new ErrorCount(profile);
      assert.deepEqual(
        [0, 1, HOUR_MS, HOUR_MS + 1, HOUR_MS + 2].map((atMs) => errors.add('RUNNING', atMs)),
        [false, false, false, false, true],
      );
    });
  }

  it('are counted by state on the nucleus, and forgotten when a state is left well', () => {
    const errors = new ErrorCount('nucleus');
    assert.equal(errors.add('STARTING', 0), false);
    assert.equal(errors.add('RUNNING', 1), false);
    assert.equal(errors.add('STARTING', 2), false);
    errors.passed('STARTING');
    assert.equal(errors.add('STARTING', 3), false);
    assert.equal(errors.add('RUNNING', 4), false);
    assert.equal(errors.add('RUNNING', 5), true);
  });

  it('are counted together on lite, where each is a start of the unit', () => {
    const errors = new ErrorCount('lite');
    assert.equal(errors.add('STARTING', 0), false);
    errors.passed('STARTING');
    assert.equal(errors.add('RUNNING', 1), false);
    assert.equal(errors.add('STARTING', 2), true);
  });
});
