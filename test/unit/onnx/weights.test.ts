import assert from 'node:assert/strict';
import { checkModelBytes } from '../../../src/onnx/mod.js';
import {
  externalTensor,
  graphAttribute,
  node,
  onnxModel,
  rawTensor,
  tensorAttribute,
  type GraphSpec,
} from '../../lib/onnx-builder.js';

const vector = { datatype: 'FP32', shape: [2] } as const;
const base: GraphSpec = {
  inputs: [{ name: 'x', ...vector }],
  outputs: [{ name: 'y', ...vector }],
  nodes: [node('Add', ['x', 'w'], ['y'])],
};
const whole = { location: 'weights-1.bin', offset: '4', length: '8' };
const files = new Map([['weights-1.bin', 12]]);
const outside = (entries: Record<string, string>, dims = [2]): Uint8Array =>
  onnxModel({ ...base, initializers: [externalTensor('w', 'FP32', dims, entries)] });

describe('weights outside the model', () => {
  it('may stand in a file of weights of the package, in inner graphs too', () => {
    checkModelBytes(outside(whole), files);
    const inner = { ...base, initializers: [externalTensor('w', 'FP32', [2], whole)] };
    checkModelBytes(
      onnxModel({ ...base, nodes: [node('If', ['c'], ['y'], [graphAttribute('then_branch', inner)])] }),
      files,
    );
  });

  const refused: readonly [string, Uint8Array, RegExp][] = [
    [
      'in a file that is none of the package',
      outside({ ...whole, location: 'weights-2.bin' }),
      /no file of weights/,
    ],
    ['by a path to that file', outside({ ...whole, location: './weights-1.bin' }), /no file of weights/],
    ['above the folder', outside({ ...whole, location: '../weights-1.bin' }), /no file of weights/],
    [
      'in the memory of the process',
      outside({ ...whole, location: '*/_ORT_MEM_ADDR_/*' }),
      /no file of weights/,
    ],
    ['without a file', outside({ offset: '4', length: '8' }), /no file of weights/],
    ['beyond the end of the file', outside({ ...whole, offset: '8' }), /ends at byte 16/],
    ['at a negative offset', outside({ ...whole, offset: '-4' }), /ends at byte NaN/],
    [
      'at an offset beyond exact numbers',
      outside({ ...whole, offset: '18446744073709551612' }),
      /ends at byte NaN/,
    ],
    ['at an offset in another notation', outside({ ...whole, offset: '0x4' }), /ends at byte NaN/],
    ['shorter than type and shape say', outside({ ...whole, length: '4' }), /must have 8 bytes/],
    ['longer than type and shape say', outside({ ...whole, length: '12', offset: '0' }), /must have 8 bytes/],
    ['without a length', outside({ location: 'weights-1.bin', offset: '4' }), /must have 8 bytes/],
    [
      'with a weight that was packed before',
      outside({ ...whole, prepacked_0: 'k|0;4;abc' }),
      /more than where/,
    ],
    [
      'of strings',
      onnxModel({ ...base, initializers: [externalTensor('w', 'BYTES', [2], whole)] }),
      /must have NaN bytes/,
    ],
    [
      'and inside it as well',
      onnxModel({
        ...base,
        initializers: [
          {
            ...rawTensor('w', 'FP32', [2], Float32Array.of(1, 2)),
            ...externalTensor('w', 'FP32', [2], whole),
          },
        ],
      }),
      /both/,
    ],
    [
      'by its entries alone, not by its place',
      onnxModel({ ...base, initializers: [{ ...externalTensor('w', 'FP32', [2], whole), dataLocation: 0 }] }),
      /both/,
    ],
    [
      'in the constant of a node',
      onnxModel({
        ...base,
        nodes: [
          node('Constant', [], ['y'], [tensorAttribute('value', externalTensor('w', 'FP32', [2], whole))]),
        ],
      }),
      /no file of weights/,
    ],
  ];
  for (const [what, model, reason] of refused) {
    it(`are refused ${what}`, () => {
      assert.throws(() => checkModelBytes(model, files), { code: 'FAILED_PRECONDITION', message: reason });
    });
  }

  it('are refused where the package has none', () => {
    assert.throws(() => checkModelBytes(outside(whole)), { message: /external data/ });
  });
});
