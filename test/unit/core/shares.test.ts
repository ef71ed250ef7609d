import { strict as assert } from 'node:assert';
import { Shares } from '../../../src/core/mod.js';

/** Takes as many places as it gets. */
function fill(shares: Shares, name: string, places: number, most?: number): number {
  let count = 0;
  for (; shares.hasRoom(name, places, most); count++) shares.take(name);
  return count;
}

describe('shares of places', () => {
  it('leave whoever comes next as much as the former one took', () => {
    const shares = new Shares();
    assert.deepEqual(
      ['one', 'two', 'three'].map((name) => fill(shares, name, 64)),
      [32, 16, 8],
    );
    assert.equal(shares.taken, 56);
  });

  it('are at most what one may have, and free again when they are given back', () => {
    const shares = new Shares();
    assert.equal(fill(shares, 'one', 240, 30), 30);
    for (let count = 0; count < 30; count++) shares.give('one');
    assert.deepEqual([shares.taken, shares.of('one')], [0, 0]);
    assert.equal(fill(shares, 'two', 240, 30), 30);
  });
});
