import { strict as assert } from 'node:assert';
import { limited } from '../../../src/core/mod.js';

describe('a limit on what others cause', () => {
  it('passes the first of each window, and tells how many it held back', () => {
    const told: string[] = [];
    let nowMs = 5;
    const take = limited<number>(
      { monotonicMs: () => nowMs },
      { most: 2, windowMs: 100 },
      (value) => told.push(`value ${value}`),
      (count) => told.push(`${count} held back`),
    );
    for (let value = 1; value <= 5; value++) take(value);
    nowMs = 104;
    take(6);
    nowMs = 105;
    take(7);
    nowMs = 205;
    take(8);
    assert.deepEqual(told, ['value 1', 'value 2', '4 held back', 'value 7', 'value 8']);
  });
});
