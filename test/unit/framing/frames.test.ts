import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { encodeFrame, FrameReader, payloadOffsets, type Frame } from '../../../src/framing/mod.js';

const bytes = fc.uint8Array({ maxLength: 40 });
const parts = fc.record({
  kind: fc.nat(255),
  flags: fc.nat(255),
  id: fc.nat(2 ** 32 - 1),
  metadata: bytes,
  payload: fc.array(bytes, { maxLength: 4 }),
});

describe('binary frames', () => {
  it('come out as they went in, however the stream cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(parts, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 60 })),
        (sent, cuts) => {
          const stream = Buffer.concat(sent.map(encodeFrame));
          const reader = new FrameReader(1024);
          const read: Frame[] = [];
          let at = 0;
          for (const size of [...cuts, stream.length]) {
            read.push(...reader.push(stream.subarray(at, at + size)));
            at += size;
          }
          assert.equal(reader.idle, true);
          assert.deepEqual(
            read.map(partsOf),
            sent.map((one) => partsOf(expected(one))),
          );
        },
      ),
    );
  });

  it('begin each part of a payload where any element type can be looked at in place', () => {
    const frame = new FrameReader(1024).push(
      encodeFrame({
        kind: 1,
        id: 1,
        metadata: Buffer.from('abc'),
        payload: [new Uint8Array(3), doubles(1.5, 2.5)],
      }),
    )[0];
    assert(frame !== undefined);
    const offset = payloadOffsets([3, 16])[1] ?? 0;
    const view = new Float64Array(frame.payload.buffer, frame.payload.byteOffset + offset, 2);
    assert.deepEqual([...view], [1.5, 2.5]);
  });

  it('are known to be cut in the middle', () => {
    const reader = new FrameReader(1024);
    reader.push(encodeFrame({ kind: 1, id: 1, metadata: Buffer.from('abc') }).subarray(0, 20));
    assert.equal(reader.idle, false);
  });

  it('that claim more than is allowed are refused before memory is taken for them', () => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(0xff_ff_ff_f8, 0);
    for (const cut of [16, 7]) {
      const reader = new FrameReader(1024);
      assert.throws(() => [reader.push(header.subarray(0, cut)), reader.push(header.subarray(cut))], {
        reason: 'FRAME_TOO_LARGE',
        message: /at most 1024 bytes: current size is 4294967288/,
      });
    }
  });

  for (const [what, offset, value] of [
    ['a length that is no multiple of 8', 0, 7],
    ['metadata beyond the body', 12, 9],
    ['bytes that must be zero', 6, 1],
  ] as const) {
    it(`with ${what} are refused`, () => {
      const frame = encodeFrame({ kind: 1, id: 1, metadata: Buffer.from('{}') });
      frame.writeUInt16LE(value, offset);
      assert.throws(() => new FrameReader(1024).push(frame), { reason: 'MESSAGE_UNREADABLE' });
    });
  }
});

interface Sent {
  kind: number;
  flags: number;
  id: number;
  metadata: Uint8Array;
  payload: readonly Uint8Array[];
}

function expected({ payload, ...head }: Sent): Frame {
  const sizes = payload.map((part) => part.length);
  const whole = Buffer.alloc(sizes.reduce((sum, size) => sum + Math.ceil(size / 8) * 8, 0));
  for (const [index, offset] of payloadOffsets(sizes).entries()) whole.set(payload[index] ?? [], offset);
  return { ...head, payload: whole };
}

function partsOf({ kind, flags, id, metadata, payload }: Frame): unknown[] {
  return [kind, flags, id, Buffer.from(metadata).toString('hex'), Buffer.from(payload).toString('hex')];
}

function doubles(...values: number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(values).buffer);
}
