import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { DATATYPES, INLINE_MAX_BYTES } from '../../../src/contract/mod.js';
import { EdgeError } from '../../../src/core/mod.js';
import { FrameReader, type Frame } from '../../../src/framing/mod.js';
import type { CaptureRecord } from '../../../src/capture/mod.js';
import type { HostTensor, RunRequest, RunResult } from '../../../src/runtime/host/port/mod.js';
import {
  checkProtocol,
  decodeCaptured,
  decodeFailed,
  decodeResult,
  decodeRun,
  encodeCaptured,
  encodeFailed,
  encodeResult,
  encodeRun,
} from '../../../src/runtime/host/protocol/mod.js';
import { tensorByteSize } from '../../../src/tensor/mod.js';

const text = fc.string({ maxLength: 12, unit: 'grapheme' });
const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const whole = fc.nat(2 ** 31 - 1);
const shape = fc.array(fc.nat(3), { maxLength: 4 });
const datatype = fc.constantFrom(...DATATYPES);
const inline = fc.tuple(name, datatype, shape, fc.nat(255)).map(([one, type, sizes, fill]): HostTensor => {
  const byteSize = tensorByteSize(type, sizes) ?? 9;
  return { name: one, datatype: type, shape: sizes, data: new Uint8Array(byteSize).fill(fill) };
});
const region = fc.record({ name, offset: fc.maxSafeNat(), byteSize: fc.nat(2 ** 30) });
const tensor: fc.Arbitrary<HostTensor> = fc.oneof(inline, fc.record({ name, datatype, shape, file: region }));
const request: fc.Arbitrary<RunRequest> = fc.record(
  {
    caller: name,
    inputs: fc.array(tensor, { maxLength: 5 }),
    outputs: fc.array(name, { maxLength: 4 }),
    exchangeFolder: name,
    outputFile: region,
    maxInlineBytes: whole,
    blind: fc.constant(true),
    capture: fc.record({
      mode: fc.constantFrom('policies' as const, 'always' as const, 'never' as const),
      captureId: text,
      clockSynchronised: fc.boolean(),
    }),
  },
  { requiredKeys: ['inputs', 'capture', 'maxInlineBytes'] },
);
const result: fc.Arbitrary<RunResult> = fc.record({
  outputs: fc.array(tensor, { maxLength: 5 }),
  runMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  nonFinite: fc.boolean(),
  captured: fc.constantFrom('yes' as const, 'no' as const, 'maybe' as const),
});

describe('the frames between control process and model host', () => {
  it('bring a run as it was asked for', () => {
    fc.assert(
      fc.property(request, whole, fc.maxSafeNat(), (asked, handle, deadlineUs) => {
        const order = { handle, deadlineUs, request: asked };
        assertSame(decodeRun(frameOf(encodeRun(7, order))), order);
      }),
    );
  });

  it('say no limit where a run has none, and what goes inline over IPC where nobody said more', () => {
    const capture = { mode: 'never', captureId: 'c', clockSynchronised: false } as const;
    const bytes = encodeRun(1, { handle: 1, deadlineUs: Infinity, request: { inputs: [], capture } });
    const decoded = decodeRun(frameOf(bytes));
    assert.equal(decoded.deadlineUs, Infinity);
    assert.equal(decoded.request.maxInlineBytes, INLINE_MAX_BYTES);
  });

  it('give a run inputs in memory of their own, which no later frame overwrites', () => {
    const data = new Uint8Array(8).fill(1);
    const capture = { mode: 'never', captureId: 'c', clockSynchronised: false } as const;
    const inputs = [{ name: 'x', datatype: 'FP64', shape: [1], data }] as const;
    const bytes = encodeRun(1, { handle: 1, deadlineUs: 0, request: { inputs, capture } });
    const [input] = decodeRun(frameOf(bytes)).request.inputs;
    bytes.fill(0);
    assert.ok(input !== undefined && 'data' in input);
    assert.deepEqual(input.data, data);
    assert.equal(input.data.buffer.byteLength, 8);
  });

  it('bring a result as it was given', () => {
    fc.assert(
      fc.property(result, (given) => assertSame(decodeResult(frameOf(encodeResult(7, given))), given)),
    );
  });

  it('bring an error with its reason, field and next step', () => {
    const thrown = new EdgeError('TENSOR_INVALID', 'Cannot read it as …', {
      field: 'x',
      nextStep: 'mend it',
    });
    const { reason, message, field, nextStep } = decodeFailed(frameOf(encodeFailed(7, thrown, 'Cannot run')));
    assert.deepEqual(
      [reason, message, field, nextStep],
      ['TENSOR_INVALID', 'Cannot read it as …', 'x', 'mend it'],
    );
    assert.equal(decodeFailed(frameOf(encodeFailed(7, 'no', 'Cannot run'))).message, 'Cannot run: no');
  });

  it('cut an error of any length to what a frame of one may have', () => {
    const long = '€'.repeat(100_000);
    const bytes = encodeFailed(7, new EdgeError('INTERNAL', long, { field: long, nextStep: long }), '');
    assert.ok(bytes.length <= 16 * 1024);
  });

  it('take the reason of a newer host for its code', () => {
    const bytes = encodeFailed(7, new EdgeError('TENSOR_INVALID', 'Cannot …'), '');
    const newer = Buffer.from(bytes.toString('latin1').replace('TENSOR_INVALID', 'TENSOR_STRANGE'), 'latin1');
    assert.equal(decodeFailed(frameOf(newer)).reason, 'INVALID_ARGUMENT');
  });

  it('bring a record with the bytes of its tensors', () => {
    fc.assert(
      fc.property(
        fc.array(inline, { maxLength: 3 }),
        fc.array(inline, { maxLength: 3 }),
        (inputs, outputs) => {
          const record = { ...RECORD, inputs, outputs } as CaptureRecord;
          assertSame(decodeCaptured(frameOf(encodeCaptured(record))), record);
        },
      ),
    );
  });

  it('are refused by one error where a byte is another or missing, whatever it was', () => {
    fc.assert(
      fc.property(request, result, fc.nat(), fc.nat(255), fc.boolean(), (asked, given, at, byte, cut) => {
        const run = encodeRun(1, { handle: 1, deadlineUs: 1, request: asked });
        const answer = encodeResult(1, given);
        for (const [bytes, decode] of [
          [run, decodeRun],
          [answer, decodeResult],
        ] as const) {
          const { metadata, ...frame } = frameOf(bytes);
          const changed = Buffer.from(metadata);
          changed[at % changed.length] = byte;
          const seen = cut ? changed.subarray(0, at % changed.length) : changed;
          try {
            decode({ ...frame, metadata: seen });
          } catch (error) {
            assert.ok(error instanceof EdgeError && error.reason === 'MESSAGE_UNREADABLE', String(error));
          }
        }
      }),
    );
  });

  it('of another major version are refused in a sentence', () => {
    checkProtocol('1.7');
    assert.throws(() => checkProtocol('2.0'), { message: /must be 1\.x: current value is 2\.0/ });
  });
});

const RECORD = {
  captureId: 'c',
  model: 'm',
  modelVersion: '1.0.0',
  packageDigest: 'd',
  reasons: ['percentage'],
  priority: 'sample',
  inferenceTimeMs: 1,
  clockSynchronised: true,
  redactions: [{ name: 'x', mode: 'input', action: 'drop' }],
};

function frameOf(bytes: Uint8Array): Frame {
  const [frame] = new FrameReader(2 ** 20).push(bytes);
  assert.ok(frame !== undefined);
  return frame;
}

/** Whatever the objects inherit from, and whether bytes are a Buffer. */
function assertSame(actual: unknown, expected: unknown): void {
  assert.deepEqual(structuredClone(actual), structuredClone(expected));
}
