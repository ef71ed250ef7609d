import {
  externalTensor,
  identityModel,
  loopModel,
  node,
  onnxModel,
  rawTensor,
  tensorAttribute,
  type ValueSpec,
} from './onnx-builder.js';
import type { TensorSpec } from '../../src/model/mod.js';
import type { TestPackage } from './model-hosts.js';
import { floats } from './tensors.js';

const one = (name: string): ValueSpec & { shape: (number | string)[] } => ({
  name,
  datatype: 'FP32',
  shape: [1],
});

/** y = x, FP32 [1], with a golden sample. */
export function identityPackage(name = 'Identity'): TestPackage {
  return {
    name,
    model: identityModel('FP32', [1]),
    inputs: [one('x')],
    outputs: [one('y')],
    samples: [{ name: 'seven', inputs: [floats('x', [7])], outputs: [floats('y', [7])] }],
  };
}

/** y = x + w, FP32 [n], whose w stands in the package's file weights-1.bin, with a golden sample. */
export function outsidePackage(weights: readonly number[] = [1, 2, 3], name = 'Outside'): TestPackage {
  const file = 'weights-1.bin';
  const shape = [weights.length];
  const entries = { location: file, offset: '0', length: String(4 * weights.length) };
  const value = (tensor: string): ValueSpec & { shape: number[] } => ({
    name: tensor,
    datatype: 'FP32',
    shape,
  });
  return {
    name,
    model: onnxModel({
      inputs: [value('x')],
      outputs: [value('y')],
      nodes: [node('Add', ['x', 'w'], ['y'])],
      initializers: [externalTensor('w', 'FP32', shape, entries)],
    }),
    weights: { [file]: new Uint8Array(Float32Array.from(weights).buffer) },
    inputs: [value('x')],
    outputs: [value('y')],
    samples: [
      {
        name: 'zeros',
        inputs: [
          {
            ...floats(
              'x',
              weights.map(() => 0),
            ),
            shape,
          },
        ],
        outputs: [{ ...floats('y', weights), shape }],
      },
    ],
  };
}

/** A model that hangs on the right request, and is harmless on its samples: the input `trips` is what it does. */
export function loopPackage(name = 'Loop'): TestPackage {
  const trips = { name: 'trips', datatype: 'INT64', shape: [] } as const;
  return {
    name,
    model: loopModel('input'),
    inputs: [one('x'), { ...trips, shape: [] }],
    outputs: [one('y')],
  };
}

/** y = as many zeros as `size` says: a memory bomb of any weight. */
export function bombPackage(name = 'Bomb'): TestPackage {
  const size: ValueSpec = { name: 'size', datatype: 'INT64', shape: [1] };
  const model = onnxModel({
    inputs: [size],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [] }],
    nodes: [
      node(
        'ConstantOfShape',
        ['size'],
        ['filled'],
        [tensorAttribute('value', rawTensor('v', 'FP32', [1], Float32Array.of(1)))],
      ),
      node('ReduceMax', ['filled'], ['y'], [{ name: 'keepdims', type: 2, i: 0 }]),
    ],
  });
  return {
    name,
    model,
    inputs: [{ name: 'size', datatype: 'INT64', shape: [1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [] }],
  };
}

/** y = log(x): NaN for negative inputs, minus infinity for zero. */
export function logPackage(name = 'Log'): TestPackage {
  const model = onnxModel({
    inputs: [one('x')],
    outputs: [one('y')],
    nodes: [node('Log', ['x'], ['y'])],
  });
  return { name, model, inputs: [one('x')], outputs: [one('y')] };
}

/** y = so many values, all of them x: an answer far larger than its request. */
export function widePackage(count: number, name = 'Wide'): TestPackage {
  const outputs: TensorSpec[] = [{ name: 'y', datatype: 'FP32', shape: [count] }];
  const model = onnxModel({
    inputs: [one('x')],
    outputs,
    initializers: [rawTensor('shape', 'INT64', [1], BigInt64Array.of(BigInt(count)))],
    nodes: [node('Expand', ['x', 'shape'], ['y'])],
  });
  return { name, model, inputs: [one('x')], outputs };
}

/** y = x + the sum of weights of this many bytes, all zero. */
export function weightyPackage(weightBytes: number, name = 'Weighty'): TestPackage {
  const count = weightBytes / 4;
  const model = onnxModel({
    inputs: [one('x')],
    outputs: [one('y')],
    initializers: [rawTensor('weights', 'FP32', [count], new Float32Array(count))],
    nodes: [
      node('Add', ['weights', 'x'], ['all']),
      node('ReduceMax', ['all'], ['y'], [{ name: 'keepdims', type: 2, i: 1 }]),
    ],
  });
  return { name, model, inputs: [one('x')], outputs: [one('y')] };
}
