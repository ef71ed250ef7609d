import assert from 'node:assert/strict';
import {
  decodeModel,
  encodeModel,
  keepOutputs,
  outputClasses,
  unzipMaps,
} from '../../../src/onnx/decoded/mod.js';
import { checkPackable } from '../../../src/onnx/mod.js';
import { accountOf } from '../../lib/onnx-account.js';
import { graphAttribute, node, onnxModel, type GraphSpec } from '../../lib/onnx-builder.js';
import { classifier } from '../../lib/zip-map-model.js';

const value = (name: string) => ({ name, datatype: 'FP32', shape: [1] }) as const;

function kept(spec: Partial<GraphSpec>, ...names: readonly string[]): string[] {
  const model = decodeModel(
    onnxModel({ inputs: [value('x')], outputs: [value('y'), value('z')], nodes: [], ...spec }),
  );
  keepOutputs(model, names);
  return accountOf(encodeModel(model)).nodes.map(({ line }) => line.replace(/ .*/, ''));
}

describe('keepOutputs', () => {
  it('leaves the nodes that the named outputs need', () => {
    const nodes = [
      node('Neg', ['x'], ['a']),
      node('Abs', ['a'], ['y']),
      node('Exp', ['x'], ['b']),
      node('Log', ['b'], ['z']),
    ];
    assert.equal(kept({ nodes }, 'y').length, 2);
    assert.equal(kept({ nodes: nodes.toReversed() }, 'y', 'z').length, 4);
  });

  it('leaves what graphs within a node take from outside', () => {
    const inner = (from: string): GraphSpec => ({
      inputs: [],
      outputs: [value('inner')],
      nodes: [node('Neg', [from], ['inner'])],
    });
    const nodes = [
      node('Exp', ['x'], ['a']),
      node('Abs', ['x'], ['b']),
      node(
        'If',
        ['condition'],
        ['y'],
        [graphAttribute('then_branch', inner('a')), graphAttribute('else_branch', inner('b'))],
      ),
      node('Neg', ['x'], ['z']),
    ];
    assert.equal(kept({ nodes }, 'y').length, 3);
  });

  it('refuses a name that is no output, with those that are', () => {
    assert.throws(() => kept({ nodes: [] }, 'w'), /'w' is not one of its outputs: it has y, z/);
  });
});

describe('unzipMaps', () => {
  for (const classes of [
    ['red', 'green', 'Überblau'],
    [0, 1, 30_000_000_000],
  ]) {
    it(`gives the rows of scores in place of maps from ${classes.join(', ')}`, () => {
      const bytes = classifier(classes);
      assert.throws(() => checkPackable(bytes), {
        message: /output 'scores' is not a tensor/,
        nextStep: /options=\{'zipmap': False\}/,
      });
      const model = decodeModel(bytes);
      assert.deepEqual(unzipMaps(model, bytes), ['scores']);
      const unzipped = encodeModel(model);
      assert.deepEqual(checkPackable(unzipped).outputs, [
        { name: 'label', datatype: 'FP32', shape: [] },
        { name: 'scores', datatype: 'FP32', shape: [] },
      ]);
      assert.deepEqual(outputClasses(decodeModel(unzipped)), new Map([['scores', classes.map(String)]]));
    });
  }
});
