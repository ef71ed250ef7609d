import {
  externalTensor,
  floatAttribute,
  graphAttribute,
  intAttribute,
  loopModel,
  node,
  onnxModel,
  rawTensor,
  stringAttribute,
  tensorAttribute,
  type GraphSpec,
} from './onnx-builder.js';

const one = { datatype: 'FP32', shape: [1] } as const;
const base: GraphSpec = {
  inputs: [{ name: 'x', ...one }],
  outputs: [{ name: 'y', ...one }],
  nodes: [node('Identity', ['x'], ['y'])],
};
const zero = rawTensor('zero', 'FP32', [1], Float32Array.of(0));

function external(entries: Record<string, string>): Uint8Array {
  return onnxModel({
    ...base,
    nodes: [node('Add', ['x', 'w'], ['y'])],
    initializers: [externalTensor('w', 'FP32', [1], entries)],
  });
}

/** y = x + max of as many ones as the constant says, computed at load (constant folding) or at the first run. */
function fill(elements: bigint): Uint8Array {
  return onnxModel({
    ...base,
    initializers: [rawTensor('size', 'INT64', [1], BigInt64Array.of(elements))],
    nodes: [
      node(
        'ConstantOfShape',
        ['size'],
        ['ones'],
        [tensorAttribute('value', rawTensor('v', 'FP32', [1], Float32Array.of(1)))],
      ),
      node('ReduceMax', ['ones'], ['most'], [intAttribute('keepdims', 1)]),
      node('Add', ['x', 'most'], ['y']),
    ],
  });
}

function nested(depth: number): Uint8Array {
  let spec: GraphSpec = { ...base, inputs: [] };
  for (let level = 0; level < depth; level++) {
    spec = {
      ...base,
      inputs: [],
      nodes: [
        node(
          'If',
          ['c'],
          ['y'],
          [graphAttribute('then_branch', spec), graphAttribute('else_branch', { ...base, inputs: [] })],
        ),
      ],
    };
  }
  return onnxModel({
    ...spec,
    inputs: base.inputs,
    initializers: [rawTensor('c', 'BOOL', [], Uint8Array.of(1))],
  });
}

/** Models that mean harm, each of another kind: all have input `x` and output `y`, FP32 [1], as far as they have any. */
export function hostileModels(): readonly (readonly [string, Uint8Array])[] {
  const whole = onnxModel({ ...base, nodes: [node('Add', ['x', 'zero'], ['y'])], initializers: [zero] });
  return [
    ['external data above the folder', external({ location: '../../../../etc/passwd' })],
    ['external data by an absolute path', external({ location: '/etc/passwd' })],
    ['external data beside the model', external({ location: 'weights.bin' })],
    ['external data at a negative offset', external({ location: 'weights.bin', offset: '-8', length: '4' })],
    [
      'external data at a petabyte',
      external({ location: 'weights.bin', offset: '1125899906842624', length: '4' }),
    ],
    ['40 GB of ones', fill(10_000_000_000n)],
    ['2^62 ones', fill(2n ** 62n)],
    ['a negative number of ones', fill(-5n)],
    ['a loop without end', loopModel(2n ** 62n)],
    [
      'a context of an execution provider',
      onnxModel({ ...base, nodes: [node('EPContext', ['x'], ['y'], [], 'com.microsoft')] }),
    ],
    [
      'operators of a foreign domain',
      onnxModel({ ...base, nodes: [node('Run', ['x'], ['y'], [], 'com.evil')] }),
    ],
    ['an operator that does not exist', onnxModel({ ...base, nodes: [node('RunShell', ['x'], ['y'])] })],
    ['a truncated file', whole.subarray(0, whole.length - 20)],
    [
      'a graph in a circle',
      onnxModel({
        ...base,
        nodes: [
          node('Add', ['x', 'b'], ['a']),
          node('Identity', ['a'], ['b']),
          node('Identity', ['b'], ['y']),
        ],
      }),
    ],
    [
      'weights shorter than their shape',
      onnxModel({
        ...base,
        nodes: [node('Add', ['x', 'w'], ['y'])],
        initializers: [rawTensor('w', 'FP32', [4096], new Uint8Array(8))],
      }),
    ],
    ['graphs nested a thousand deep', nested(1000)],
    [
      'attributes out of all range',
      onnxModel({
        ...base,
        nodes: [
          node('LeakyRelu', ['x'], ['r'], [floatAttribute('alpha', Infinity)]),
          node('Flatten', ['r'], ['f'], [intAttribute('axis', 2 ** 31)]),
          node('Identity', ['f'], ['y']),
        ],
      }),
    ],
  ];
}

type Weight = readonly [datatype: 'FP32' | 'INT64', values: readonly number[]];

/** Operators with valid attributes and weights: what mutation starts from must get past the checks itself. */
const SEEDS: readonly (readonly [
  op: string,
  attributes: Parameters<typeof node>[3],
  ...weights: Weight[],
])[] = [
  ...[
    'Identity',
    'Abs',
    'Neg',
    'Exp',
    'Log',
    'Sqrt',
    'Relu',
    'Sigmoid',
    'Tanh',
    'Softmax',
    'Floor',
    'Erf',
    'Sign',
    'Hardmax',
    'Transpose',
    'Flatten',
    'Dropout',
    'ReduceSum',
    'ReduceMax',
    'LogSoftmax',
  ].map((op) => [op, []] as const),
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Mod', 'PRelu'].map(
    (op) => [op, op === 'Mod' ? [intAttribute('fmod', 1)] : [], ['FP32', [2]]] as const,
  ),
  ['MatMul', [], ['FP32', [2]]],
  ['Gather', [intAttribute('axis', 0)], ['INT64', [0]]],
  ['Reshape', [], ['INT64', [1, 1, 1]]],
  ['Expand', [], ['INT64', [3, 1]]],
  ['Tile', [], ['INT64', [4]]],
  ['Concat', [intAttribute('axis', 0)], ['FP32', [1, 2]]],
  ['Slice', [], ['INT64', [0]], ['INT64', [1]], ['INT64', [0]], ['INT64', [1]]],
  ['Pad', [], ['INT64', [2, 2]]],
  ['Unsqueeze', [], ['INT64', [0, 2]]],
  ['Squeeze', [], ['INT64', [0]]],
  ['CumSum', [intAttribute('exclusive', 0)], ['INT64', [0]]],
  ['Resize', [stringAttribute('mode', 'nearest')], ['FP32', []], ['FP32', [3]]],
  ['LeakyRelu', [floatAttribute('alpha', 0.1)]],
  ['Elu', [floatAttribute('alpha', 1)]],
  ['Cast', [intAttribute('to', 1)]],
  ['Clip', []],
  ['Einsum', [stringAttribute('equation', 'i->i')]],
  ['ScatterElements', [intAttribute('axis', 0)], ['INT64', [0]], ['FP32', [5]]],
  ['GatherElements', [intAttribute('axis', 0)], ['INT64', [0]]],
  ['Trilu', [intAttribute('upper', 1)]],
  ['QuickGelu', [floatAttribute('alpha', 1)]],
];

/** One-node models of many kinds: what mutation starts from. */
export function oneNodeModels(): readonly Uint8Array[] {
  return SEEDS.map(([op, attributes, ...weights]) => {
    const initializers = weights.map(([datatype, values], index) => {
      const array = datatype === 'FP32' ? Float32Array.from(values) : BigInt64Array.from(values.map(BigInt));
      return rawTensor(`w${index}`, datatype, [values.length], array);
    });
    const inputs = ['x', ...initializers.map(({ name }) => name ?? '')];
    const domain = op === 'QuickGelu' ? 'com.microsoft' : '';
    return onnxModel({
      ...base,
      // Without a shape the output agrees with whatever the operator makes of the input.
      outputs: [{ name: 'y', datatype: 'FP32' }],
      initializers,
      nodes: [node(op, inputs, ['y'], attributes, domain)],
      domains: [{ domain: 'com.microsoft', version: 1 }],
    });
  });
}
