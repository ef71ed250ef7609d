import assert from 'node:assert/strict';
import { EdgeError } from '../../../src/core/mod.js';
import { checkModelBytes } from '../../../src/onnx/mod.js';
import { message, number, tag, varint, type Part } from '../../lib/protobuf-writer.js';

/** A value with one dimension of FP32. */
function value(field: number, name: string, more: readonly Part[] = []): Part {
  const shape = message(2, [message(1, [number(1, 1)])]);
  return message(field, [message(1, name), message(2, [message(1, [number(1, 1), shape])]), ...more]);
}

const identity = [message(1, 'x'), message(2, 'y'), message(4, 'Identity')];
const values = [value(11, 'x'), value(12, 'y')];

interface Change {
  /** In place of the node's fields. */
  readonly node?: readonly Part[];
  /** After the graph's fields. */
  readonly graph?: readonly Part[];
  /** After the model's fields. */
  readonly model?: readonly Part[];
}

/** y = x, with what is added. */
function model({ node = identity, graph = [], model: more = [] }: Change = {}): Uint8Array {
  return Buffer.concat([
    number(1, 8),
    message(8, [message(1, ''), number(2, 17)]),
    message(7, [message(1, node), message(2, 'g'), ...values, ...graph]),
    ...more,
  ]);
}

const weight = (more: readonly Part[]): Part =>
  message(5, [number(1, 1), number(2, 1), message(8, 'w'), ...more]);
const file = [message(1, 'location'), message(2, '/etc/hostname')];
const ABOVE = 2n ** 32n;

/** What another reader takes for something else, by the kind of the trick. */
const TRICKS: readonly [kind: string, what: string, bytes: Uint8Array, reason: RegExp][] = [
  [
    'a tag above 32 bits',
    'hides external data',
    model({ graph: [weight([message(13, file, { above: ABOVE })])] }),
    /the number/,
  ],
  [
    'a tag above 32 bits',
    'hides where data are',
    model({ graph: [weight([number(14, 1, { above: ABOVE })])] }),
    /the number/,
  ],
  [
    'a tag above 32 bits',
    'hides a domain',
    model({ node: [...identity, message(7, 'com.evil', { above: ABOVE })] }),
    /the number/,
  ],
  [
    'a tag above 32 bits',
    'hides a graph',
    model({ model: [message(7, [], { above: ABOVE * 3n })] }),
    /the number/,
  ],
  [
    'a tag above 32 bits',
    'hides a dimension',
    model({ graph: [weight([number(1, 2 ** 40, { above: ABOVE })])] }),
    /the number/,
  ],
  ['a tag of the number 0', 'ends a message for some', model({ model: [number(0, 1)] }), /the number 0/],
  ['a padded number', 'in a tag', model({ model: [message(14, [], { padTo: 5 })] }), /longer than it needs/],
  ['a padded number', 'in a length', model({ model: [tag(14, 2), varint(0, 3)] }), /longer than it needs/],
  ['a padded number', 'in a value', model({ model: [tag(5, 0), varint(1, 10)] }), /longer than it needs/],
  [
    'a padded number',
    'among packed dimensions',
    model({ graph: [weight([message(1, [varint(2, 4)])])] }),
    /longer than it needs/,
  ],
  [
    'a number above 64 bits',
    'in a value',
    model({ model: [tag(5, 0), Buffer.from('ffffffffffffffffff02', 'hex')] }),
    /more than 64 bits/,
  ],
  ['a group', 'around a graph', model({ model: [tag(7, 3), tag(7, 4)] }), /wire type 3/],
  ['a group', 'that ends only', model({ model: [tag(30, 4)] }), /wire type 4/],
  [
    'a group',
    'within a node',
    model({ node: [...identity, tag(40, 3), message(7, 'com.evil'), tag(40, 4)] }),
    /wire type 3/,
  ],
  [
    'a field twice',
    'two graphs, which some merge',
    model({ model: [message(7, [])] }),
    /graph of Model is there beside/,
  ],
  [
    'a field twice',
    'two domains',
    model({ node: [...identity, message(7, 'com.evil'), message(7, '')] }),
    /domain of Node/,
  ],
  ['a field twice', 'two operators', model({ node: [...identity, message(4, 'Neg')] }), /op_type of Node/],
  [
    'a field twice',
    'two places of data',
    model({ graph: [weight([number(14, 1), number(14, 0)])] }),
    /data_location of Tensor/,
  ],
  [
    'a field twice',
    'two names of an input',
    model({ graph: [value(11, 'z', [message(1, 'x')])] }),
    /name of ValueInfo/,
  ],
  [
    'two of a choice',
    'a size and a symbol',
    model({
      graph: [
        message(11, [
          message(1, 'z'),
          message(2, [message(1, [number(1, 1), message(2, [message(1, [number(1, 1), message(2, 'n')])])])]),
        ]),
      ],
    }),
    /dim_param of Dimension/,
  ],
  [
    'two of a choice',
    'a tensor and a sequence',
    model({ graph: [message(13, [message(1, 'z'), message(2, [message(1, []), message(4, [])])])] }),
    /sequence_type of Type/,
  ],
  [
    'another wire type',
    'a graph as a number',
    model({ model: [number(20, 1)] }),
    /training_info of Model has the wire type 0/,
  ],
  [
    'another wire type',
    'a node as 4 bytes',
    model({ graph: [tag(1, 5), new Uint8Array(4)] }),
    /node of Graph has the wire type 5/,
  ],
  [
    'another wire type',
    'a place of data as text',
    model({ graph: [weight([message(14, 'a')])] }),
    /data_location of Tensor has the wire type 2/,
  ],
  [
    'another wire type',
    'a dimension as 8 bytes',
    model({ graph: [weight([tag(1, 1), new Uint8Array(8)])] }),
    /dims of Tensor has the wire type 1/,
  ],
  [
    'a number that some cut',
    'to a place of data',
    model({ graph: [weight([number(14, 2n ** 32n)])] }),
    /data_location of Tensor is 4294967296/,
  ],
  [
    'a number that some cut',
    'to an element type',
    model({
      graph: [
        weight([]),
        message(13, [message(1, 'v'), message(2, [message(1, [number(1, 2n ** 32n + 1n)])])]),
      ],
    }),
    /elem_type of TypeTensor/,
  ],
  [
    'a number that some cut',
    'among weights',
    model({ graph: [weight([number(5, 2n ** 40n)])] }),
    /int32_data of Tensor is 1099511627776/,
  ],
  [
    'a number that some cut',
    'among packed weights',
    model({ graph: [weight([message(5, [varint(1), varint(2n ** 31n)])])] }),
    /int32_data of Tensor is 2147483648/,
  ],
  [
    'a number cut off',
    'among weights',
    model({ graph: [weight([message(7, [Uint8Array.of(0xff)])])] }),
    /is cut off/,
  ],
  [
    'a number that some cut',
    'negative',
    model({ graph: [weight([number(14, -1)])] }),
    /data_location of Tensor is -1/,
  ],
  [
    'a name that some cut',
    'an operator with a NUL',
    model({ node: [message(1, 'x'), message(2, 'y'), message(4, 'Identity\0EPContext')] }),
    /op_type of Node holds a NUL/,
  ],
  [
    'a name that some cut',
    'an input with a NUL',
    model({ graph: [value(11, 'x\0y')] }),
    /name of ValueInfo holds a NUL/,
  ],
  [
    'a name that some replace',
    'a domain',
    model({ node: [...identity, message(7, [Uint8Array.of(0xc3, 0x28)])] }),
    /domain of Node is not UTF-8/,
  ],
  [
    'a name that some replace',
    'an output',
    model({ graph: [message(12, [message(1, [Uint8Array.of(0xff)])])] }),
    /name of ValueInfo is not UTF-8/,
  ],
  [
    'another format',
    'ORTM at offset 4',
    Buffer.concat([Buffer.from('3204', 'hex'), Buffer.from('..ORTM').subarray(0, 6), model()]),
    /ORTM/,
  ],
];

describe('the strict form of an ONNX file', () => {
  it('is that of an ordinary model', () => {
    assert.deepEqual(checkModelBytes(model()).inputs, [{ name: 'x', datatype: 'FP32', shape: [1] }]);
  });

  it('has room for fields of ONNX versions to come', () => {
    checkModelBytes(
      model({ node: [...identity, message(4000, 'new'), number(4001, 1)], model: [number(4000, 1)] }),
    );
  });

  for (const [kind, what, bytes, reason] of TRICKS) {
    it(`has no room for ${kind}: ${what}`, () => {
      assert.throws(
        () => checkModelBytes(bytes),
        (error) =>
          error instanceof EdgeError && error.code === 'FAILED_PRECONDITION' && reason.test(error.message),
        kind,
      );
    });
  }
});
