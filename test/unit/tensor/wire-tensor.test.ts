import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DATATYPES, ELEMENT_BYTES, type Datatype, type WireTensor } from '../../../src/contract/mod.js';
import {
  decodeStrings,
  elementCount,
  encodeStrings,
  fromInlineTensor,
  halfToNumber,
  numberToHalf,
  toInlineTensor,
} from '../../../src/tensor/mod.js';
import { EdgeError } from '../../../src/core/mod.js';

const read = (wire: Partial<WireTensor> & { datatype: Datatype }): Uint8Array =>
  fromInlineTensor({ name: 'x', shape: [wire.data?.length ?? 1], ...wire }, 'inputs[0]').data;

describe('wire tensors', () => {
  it('come back bit by bit from base64, whatever their type and shape', () => {
    const shapes = fc.array(fc.nat(4), { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.constantFrom(...DATATYPES),
        shapes,
        fc.infiniteStream(fc.nat(255)),
        (datatype, shape, bytes) => {
          const count = elementCount(shape);
          const data =
            datatype === 'BYTES'
              ? encodeStrings(Array.from({ length: count }, () => String(bytes.next().value)))
              : Uint8Array.from({ length: count * ELEMENT_BYTES[datatype] }, () => bytes.next().value);
          const tensor = { name: 'x', datatype, shape, data };
          const wire = JSON.parse(JSON.stringify(toInlineTensor(tensor))) as WireTensor;
          const back = fromInlineTensor(wire, 'inputs[0]');
          assert.deepEqual({ ...back, data: [...back.data] }, { ...tensor, data: [...data] });
        },
      ),
    );
  });

  it('come as raw bytes within a process, of which they keep a copy of their own', () => {
    const frame = new Uint8Array(16).fill(7);
    const data = read({ datatype: 'UINT8', shape: [2], bytes: frame.subarray(3, 5) });
    assert.deepEqual([data.byteOffset, data.buffer.byteLength, ...data], [0, 2, 7, 7]);
    const sent = JSON.parse('{ "bytes": "AAAA", "b64": "AQI=" }') as Partial<WireTensor>;
    assert.deepEqual([...read({ ...sent, datatype: 'UINT8', shape: [2] })], [1, 2], 'as any unknown field');
  });

  it('keep 64-bit integers exact', () => {
    const signed = new BigInt64Array(
      read({ datatype: 'INT64', data: ['9007199254740993', '-9223372036854775808', 7] }).slice().buffer,
    );
    assert.deepEqual([...signed], [9007199254740993n, -9223372036854775808n, 7n]);
    const unsigned = new BigUint64Array(
      read({ datatype: 'UINT64', data: ['18446744073709551615'] }).slice().buffer,
    );
    assert.deepEqual([...unsigned], [18446744073709551615n]);
  });

  it('take numbers, booleans and strings', () => {
    assert.deepEqual([...read({ datatype: 'BOOL', data: [true, false, 1] })], [1, 0, 1]);
    assert.deepEqual([...read({ datatype: 'INT16', data: [-2] })], [0xfe, 0xff]);
    assert.deepEqual([...read({ datatype: 'FP16', data: [1, -2] })], [0x00, 0x3c, 0x00, 0xc0]);
    assert.deepEqual(decodeStrings(read({ datatype: 'BYTES', data: ['é', ''] }), 2, 'x'), ['é', '']);
  });

  it('say of bytes that are no text what to send instead: the binding would change them in silence', () => {
    const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);
    for (const bytes of [jpeg, Uint8Array.of(0x61, 0), Uint8Array.of(0xc3)]) {
      const element = Uint8Array.from([bytes.length, 0, 0, 0, ...bytes]);
      assert.throws(
        () => decodeStrings(element, 1, 'inputs[0]'),
        (error: unknown) =>
          error instanceof EdgeError &&
          error.reason === 'TENSOR_INVALID' &&
          /as element 0 must (be UTF-8|not hold a NUL)/.test(error.message) &&
          /as UINT8 of shape \[n\]/.test(error.nextStep ?? ''),
      );
    }
  });

  const cases: readonly [string, WireTensor, string][] = [
    [
      'a fraction as an integer',
      { name: 'x', datatype: 'INT32', shape: [1], data: [1.5] },
      'inputs[0].data[0]',
    ],
    [
      'an integer out of range',
      { name: 'x', datatype: 'UINT8', shape: [1], data: [256] },
      'inputs[0].data[0]',
    ],
    [
      'a number beyond 2^53 for INT64',
      { name: 'x', datatype: 'INT64', shape: [1], data: [2 ** 60] },
      'inputs[0].data[0]',
    ],
    [
      '2^64 for UINT64',
      { name: 'x', datatype: 'UINT64', shape: [1], data: ['18446744073709551616'] },
      'inputs[0].data[0]',
    ],
    [
      'hexadecimal for INT64',
      { name: 'x', datatype: 'INT64', shape: [1], data: ['0x10'] },
      'inputs[0].data[0]',
    ],
    [
      'a number that FP32 can’t hold',
      { name: 'x', datatype: 'FP32', shape: [1], data: [1e300] },
      'inputs[0].data[0]',
    ],
    [
      'a string among numbers',
      { name: 'x', datatype: 'FP32', shape: [1], data: ['NaN'] },
      'inputs[0].data[0]',
    ],
    ['a number among strings', { name: 'x', datatype: 'BYTES', shape: [1], data: [1] }, 'inputs[0].data[0]'],
    [
      'fewer elements than the shape says',
      { name: 'x', datatype: 'FP32', shape: [2], data: [1] },
      'inputs[0].data',
    ],
    ['damaged base64', { name: 'x', datatype: 'UINT8', shape: [3], b64: 'AA*A' }, 'inputs[0].b64'],
    ['base64 of another size', { name: 'x', datatype: 'FP32', shape: [1], b64: 'AAAA' }, 'inputs[0]'],
    ['no source', { name: 'x', datatype: 'FP32', shape: [1] }, 'inputs[0]'],
    ['two sources', { name: 'x', datatype: 'UINT8', shape: [1], b64: 'AA==', data: [0] }, 'inputs[0]'],
    ['a dimension of 2^62', { name: 'x', datatype: 'FP32', shape: [2 ** 62], b64: '' }, 'inputs[0].shape[0]'],
    [
      '2^62 beside a zero',
      { name: 'x', datatype: 'FP32', shape: [0, 2 ** 62], b64: '' },
      'inputs[0].shape[1]',
    ],
    [
      'a product beyond the limit',
      { name: 'x', datatype: 'FP32', shape: [2 ** 20, 2 ** 20], b64: '' },
      'inputs[0].shape',
    ],
    [
      'rank 17',
      { name: 'x', datatype: 'FP32', shape: Array.from({ length: 17 }, () => 1), b64: '' },
      'inputs[0].shape',
    ],
  ];
  for (const [what, wire, field] of cases) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => fromInlineTensor(wire, 'inputs[0]'),
        (error) => error instanceof EdgeError && error.code === 'INVALID_ARGUMENT' && error.field === field,
      );
    });
  }

  it('are not confused by __proto__', () => {
    const wire = JSON.parse(
      '{"name":"__proto__","datatype":"UINT8","shape":[1],"b64":"AA==","__proto__":{"file":1}}',
    ) as WireTensor;
    assert.equal(fromInlineTensor(wire, 'inputs[0]').name, '__proto__');
  });
});

describe('half precision', () => {
  it('turns every bit pattern into its number and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const number = halfToNumber(bits);
      if (Number.isNaN(number)) assert.ok(Number.isNaN(halfToNumber(numberToHalf(number))));
      else assert.equal(numberToHalf(number), bits);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    assert.equal(numberToHalf(2049), numberToHalf(2048));
    assert.equal(numberToHalf(2051), numberToHalf(2052));
    assert.equal(numberToHalf(65519), 0x7bff);
    assert.equal(numberToHalf(65520), 0x7c00);
    assert.equal(numberToHalf(2 ** -25), 0);
    assert.equal(numberToHalf(-0), 0x8000);
  });
});
