import assert from 'node:assert/strict';
import type { Tensor } from '../../../src/contract/mod.js';
import { SeededRandom } from '../../../src/core/mod.js';
import {
  encodeDistributions,
  outsideOf,
  parseDistributions,
  tallyRuns,
  widest,
  type OutputBounds,
} from '../../../src/model/mod.js';
import { floats, int64s, strings } from '../../lib/tensors.js';

const TOLERANCE = { absolute: 1e-4, relative: 1e-3 };

/** Sums of uniform numbers: near enough to a normal distribution of that mean and deviation. */
const noise = (random: SeededRandom, mean: number, deviation: number): number =>
  mean +
  deviation * (Array.from({ length: 12 }, () => random.fraction()).reduce((sum, one) => sum + one, 0) - 6);

const drawn = (seed: number, mean: number, deviation: number, size = 1) => {
  const random = new SeededRandom(seed);
  return () =>
    Promise.resolve([
      floats(
        'y',
        Array.from({ length: size }, () => noise(random, mean, deviation)),
      ),
    ]);
};
const boundsOf = async (run: () => Promise<readonly Tensor[]>): Promise<OutputBounds[]> =>
  (await tallyRuns(run)).map((tally) => tally.bounds(TOLERANCE));
const held = async (run: () => Promise<readonly Tensor[]>, bounds: readonly OutputBounds[]) =>
  outsideOf(await tallyRuns(run), bounds);

describe('The distribution of an output that draws random numbers', () => {
  it('is kept by other runs of the same model, of one number and of many', async () => {
    for (const size of [1, 20]) {
      for (let seed = 1; seed <= 60; seed++) {
        const bounds = await boundsOf(drawn(seed, 5, 2, size));
        assert.equal(
          await held(drawn(seed + 1000, 5, 2, size), bounds),
          undefined,
          `size ${size}, seed ${seed}`,
        );
      }
    }
  });

  for (const [what, run, reason] of [
    [
      'another mean',
      drawn(9, 9, 2, 50),
      /the mean of output 'y' must be from .* over 32 runs: current value is 9/,
    ],
    ['another spread', drawn(9, 5, 20, 50), /the (mean|spread) of output 'y' must be from/],
    ['no spread at all', drawn(9, 5, 0, 50), /the spread of output 'y' must be from/],
    ['another shape', drawn(9, 5, 2, 49), /must have the shape \[50\]: current shape is \[49\]/],
    [
      'another type',
      () => Promise.resolve([int64s('y', Array<bigint>(50).fill(5n))]),
      /must be FP32: current type is INT64/,
    ],
    ['an infinity', () => Promise.resolve([floats('y', Array<number>(50).fill(Infinity))]), /must be finite/],
    ['no such output', () => Promise.resolve([floats('z', [1])]), /output 'y' is missing/],
  ] as const) {
    it(`is not kept by ${what}`, async () => {
      const bounds = await boundsOf(drawn(1, 5, 2, 50));
      assert.match((await held(run, bounds)) ?? '', reason);
    });
  }

  it('leaves open what differs between runs: a dimension, whether all is finite, and texts', async () => {
    let count = 0;
    const growing = () =>
      Promise.resolve([floats('y', Array<number>(1 + (count++ % 3)).fill(1)), strings('t', ['a'])]);
    const [y, t] = await boundsOf(growing);
    assert.deepEqual(y?.shape, [-1]);
    assert.deepEqual(t, { name: 't', datatype: 'BYTES', shape: [1], finite: true });
    const [infinite] = await boundsOf(() => Promise.resolve([floats('y', [-Infinity])]));
    assert.deepEqual(infinite, { name: 'y', datatype: 'FP32', shape: [1], finite: false });
  });

  it('holds, of two that were stated, what either allows', () => {
    const form = { name: 'y', datatype: 'FP32', finite: true } as const;
    const one: OutputBounds = { ...form, shape: [1, 3], mean: [0, 2], spread: [1, 2] };
    const other: OutputBounds = { ...form, shape: [1, 4], mean: [1, 3], spread: [0.5, 1] };
    assert.deepEqual(widest(one, other), { ...form, shape: [1, -1], mean: [0, 3], spread: [0.5, 2] });
  });

  it('reads back as it was written, and nothing else', async () => {
    const outputs = await boundsOf(drawn(1, 5, 2));
    const written = { formatVersion: 1 as const, runs: 32, cases: [{ name: 'one', outputs }] };
    assert.deepEqual(parseDistributions(encodeDistributions(written)), written);
    assert.throws(() => parseDistributions(Buffer.from('{')), /not JSON/);
    assert.throws(() => parseDistributions(Buffer.from('{"formatVersion":2}')), /'runs' is missing/);
  });
});
