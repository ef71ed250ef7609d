import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { EdgeError } from '../../../src/core/mod.js';
import { checkModelBytes } from '../../../src/onnx/mod.js';
import {
  externalTensor,
  graphAttribute,
  identityModel,
  node,
  onnxModel,
  rawTensor,
  sumModel,
  tensorAttribute,
  type GraphSpec,
} from '../../lib/onnx-builder.js';

const vector = { datatype: 'FP32', shape: [1] } as const;
const base: GraphSpec = {
  inputs: [{ name: 'x', ...vector }],
  outputs: [{ name: 'y', ...vector }],
  nodes: [node('Identity', ['x'], ['y'])],
};
const external = externalTensor('w', 'FP32', [1], { location: 'weights.bin' });
const bodyWith = (inner: Partial<GraphSpec>): GraphSpec => ({
  ...base,
  nodes: [node('If', ['c'], ['y'], [graphAttribute('then_branch', { ...base, ...inner })])],
});

describe('the check before native code', () => {
  it('passes real models and small ones', async () => {
    for (const name of ['silero_vad_v5', 'silero_vad_v6', 'silero_vad_legacy']) {
      checkModelBytes(await readFile(`node_modules/@ricky0123/vad-web/dist/${name}.onnx`));
    }
    checkModelBytes(identityModel('FP32', [1]));
    checkModelBytes(sumModel());
  });

  const refused: readonly [string, Uint8Array, RegExp][] = [
    ['weights in another file', onnxModel({ ...base, initializers: [external] }), /external data/],
    [
      'weights in another file, in an attribute',
      onnxModel({ ...base, nodes: [node('Constant', [], ['y'], [tensorAttribute('value', external)])] }),
      /external data/,
    ],
    [
      'weights in another file, in a nested graph',
      onnxModel(bodyWith({ initializers: [external] })),
      /external data/,
    ],
    [
      'operators of a foreign domain',
      onnxModel({ ...base, nodes: [node('Anything', ['x'], ['y'], [], 'com.evil')] }),
      /com\.evil:Anything/,
    ],
    [
      'a context of an execution provider, in a nested graph',
      onnxModel(bodyWith({ nodes: [node('EPContext', ['x'], ['y'], [], 'com.microsoft')] })),
      /EPContext/,
    ],
    [
      'a weight of negative size',
      onnxModel({ ...base, initializers: [rawTensor('w', 'FP32', [-1], new Uint8Array(4))] }),
      /negative dimension/,
    ],
    [
      'a weight of a petabyte',
      onnxModel({ ...base, initializers: [rawTensor('w', 'FP32', [1e9, 1e6], new Uint8Array(4))] }),
      /elements/,
    ],
    ['a model without a graph', Uint8Array.of(8, 8), /no graph/],
    ['no bytes at all', new Uint8Array(), /no graph/],
    ['a file of another format', Buffer.from('\u0000\u0001 not a model'), /no ONNX file|cut off/],
  ];
  for (const [what, model, reason] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => checkModelBytes(model),
        (error) =>
          error instanceof EdgeError && error.code === 'FAILED_PRECONDITION' && reason.test(error.message),
      );
    });
  }

  it('refuses graphs nested without end', () => {
    let spec: GraphSpec = base;
    for (let depth = 0; depth < 40; depth++) {
      spec = { ...base, nodes: [node('If', ['c'], ['y'], [graphAttribute('then_branch', spec)])] };
    }
    assert.throws(() => checkModelBytes(onnxModel(spec)), /nested deeper/);
  });

  it('answers any bytes with itself or one structured error', () => {
    const model = sumModel();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(model.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(model.length),
        (edits, cut) => {
          const bytes = Uint8Array.from(model).subarray(0, cut);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          try {
            checkModelBytes(bytes);
          } catch (error) {
            assert.ok(error instanceof EdgeError && error.code === 'FAILED_PRECONDITION');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
