import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Json } from '../../../src/core/mod.js';
import { decodeFrame, encodeFrame, FrameSplitter } from '../../../src/ipc/frames/mod.js';
import { javaJson } from '../../../src/local/nucleus/ipc/java-json.js';
import { fitsLiteRequest, liteDelivery } from '../../../src/local/nucleus/ipc/lite-limits.js';

const anyFrame = fc.record({
  type: fc.integer({ min: 0, max: 7 }),
  flags: fc.integer({ min: 0, max: 3 }),
  streamId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  operation: fc.option(fc.string(), { nil: undefined }),
  shape: fc.option(fc.string(), { nil: undefined }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

describe('FrameSplitter', () => {
  it('gives back every frame, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 200 })),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map((frame) => encodeFrame(frame)));
          const splitter = new FrameSplitter(10_000);
          const seen: Uint8Array[] = [];
          let start = 0;
          for (const cut of [...cuts, bytes.length]) {
            seen.push(...splitter.push(bytes.subarray(start, start + cut)));
            start += cut;
          }
          const read = seen.map(decodeFrame).map((frame) => ({ ...frame, payload: [...frame.payload] }));
          const sent = frames.map((frame) => ({
            ...frame,
            version: undefined,
            svcuid: undefined,
            contentType: undefined,
            payload: [...frame.payload],
          }));
          assert.deepEqual(read, sent);
        },
      ),
    );
  });

  it('refuses a frame above the limit as soon as its length is known', () => {
    const frame = encodeFrame({ type: 0, flags: 0, streamId: 1, payload: Buffer.alloc(100) });
    const limit = frame.byteLength;
    assert.equal(new FrameSplitter(limit).push(frame).length, 1);
    assert.throws(() => new FrameSplitter(limit - 1).push(frame.subarray(0, 12)), {
      code: 'RESOURCE_EXHAUSTED',
    });
  });
});

describe('javaJson()', () => {
  it('writes numbers as Double.toString does', () => {
    const expected: [number, string][] = [
      [5, '5.0'],
      [0, '0.0'],
      [-0, '-0.0'],
      [0.5, '0.5'],
      [-1.25, '-1.25'],
      [9999999, '9999999.0'],
      [10000000, '1.0E7'],
      [12345678, '1.2345678E7'],
      [0.001, '0.001'],
      [0.0001, '1.0E-4'],
      [2 ** 53 + 2, '9.007199254740994E15'],
    ];
    for (const [value, text] of expected) assert.equal(javaJson(value), text);
  });

  it('means the same as before', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(JSON.stringify(JSON.parse(javaJson(value as Json))), JSON.stringify(value));
      }),
    );
  });
});

describe('liteDelivery()', () => {
  const keys = (count: number): Json =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0]));
  const nested = (depth: number): Json => (depth === 1 ? [] : [nested(depth - 1)]);

  it('takes 23 keys, 44 items and 12 levels, and no more', () => {
    assert.deepEqual([liteDelivery(keys(23)), liteDelivery(keys(24))], ['delivered', 'deafens']);
    const items = (count: number): Json => Array.from({ length: count }, () => 0);
    assert.deepEqual([liteDelivery(items(44)), liteDelivery(items(45))], ['delivered', 'deafens']);
    assert.deepEqual([liteDelivery(nested(12)), liteDelivery(nested(13))], ['delivered', 'dropped']);
  });

  it('does not count the length of strings', () => {
    assert.equal(liteDelivery({ text: 'x'.repeat(5000) }), 'delivered');
  });
});

describe('fitsLiteRequest()', () => {
  it('takes 255 items', () => {
    const items = (count: number): Json => Array.from({ length: count }, () => 0);
    assert.deepEqual([fitsLiteRequest(items(255)), fitsLiteRequest(items(256))], [true, false]);
  });
});
