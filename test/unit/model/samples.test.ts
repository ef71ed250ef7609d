import assert from 'node:assert/strict';
import type { Tensor } from '../../../src/contract/mod.js';
import { differenceOf, encodeSamples, mismatchOf, parseSamples } from '../../../src/model/mod.js';
import { floats } from '../../lib/model-package.js';

const EXACT = { absolute: 0, relative: 0 };

describe('Golden samples', () => {
  const half: Tensor = {
    name: 'h',
    datatype: 'FP16',
    shape: [3],
    data: new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x7e00).buffer),
  };
  const samples = [{ name: 'one', inputs: [floats('x', [2], [1.5, -2])], outputs: [half] }];

  it('read back as they were written', () => {
    const [read] = parseSamples(encodeSamples(samples));
    assert.equal(read?.inputs[0]?.name, 'x');
    assert.equal(mismatchOf(samples[0]?.outputs ?? [], read?.outputs ?? [], EXACT), undefined);
    assert.deepEqual(encodeSamples([read ?? assert.fail()]), encodeSamples(samples));
  });

  it('are refused where bytes and shape disagree', () => {
    const text = Buffer.from(encodeSamples(samples)).toString().replace('"shape":[2]', '"shape":[3]');
    assert.throws(() => parseSamples(Buffer.from(text)), /12 bytes/);
    assert.throws(() => parseSamples(Buffer.from('{')), /not JSON/);
  });
});

describe('mismatchOf', () => {
  const tolerance = { absolute: 0.01, relative: 0.1 };

  it('allows the tolerance and no more', () => {
    const want = [floats('y', [2], [0, 10])];
    assert.equal(mismatchOf(want, [floats('y', [2], [0.009, 10.9])], tolerance), undefined);
    assert.match(mismatchOf(want, [floats('y', [2], [0.02, 10])], tolerance) ?? '', /differs in 1 of 2/);
    assert.match(
      mismatchOf(want, [floats('y', [2], [0, 11.5])], tolerance) ?? '',
      /largest difference 1\.50/,
    );
  });

  it('never lets NaN or an infinity pass for a number', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      assert.match(
        mismatchOf([floats('y', [1], [1])], [floats('y', [1], [bad])], tolerance) ?? '',
        /differs/,
      );
      assert.match(
        mismatchOf([floats('y', [1], [bad])], [floats('y', [1], [1])], tolerance) ?? '',
        /differs/,
      );
      assert.equal(
        mismatchOf([floats('y', [1], [bad])], [floats('y', [1], [bad])], tolerance),
        undefined,
        String(bad),
      );
    }
  });

  it('names a missing output, another shape and another type', () => {
    const want = [floats('y', [2], [0, 1])];
    assert.match(mismatchOf(want, [], tolerance) ?? '', /output 'y' is missing/);
    assert.match(mismatchOf(want, [floats('y', [1, 2], [0, 1])], tolerance) ?? '', /must have shape \[2\]/);
    const whole = { ...floats('y', [2], [0, 1]), datatype: 'INT32' } as const;
    assert.match(mismatchOf(want, [whole], tolerance) ?? '', /must be FP32: current type is INT32/);
  });

  it('compares 64-bit integers and halves by value', () => {
    const big = (value: bigint): Tensor => ({
      name: 'n',
      datatype: 'INT64',
      shape: [1],
      data: new Uint8Array(BigInt64Array.of(value).buffer),
    });
    assert.equal(differenceOf(big(5n), big(7n), EXACT).largest, 2);
    assert.equal(differenceOf(big(2n ** 60n), big(2n ** 60n + 1n), EXACT).outside, 1);
  });
});
