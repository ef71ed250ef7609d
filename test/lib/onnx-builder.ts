import onnxProto from 'onnx-proto';
import type { Datatype } from '../../src/contract/mod.js';

const { onnx } = onnxProto;
type Node = onnxProto.onnx.INodeProto;
type Attribute = onnxProto.onnx.IAttributeProto;
type Graph = onnxProto.onnx.IGraphProto;
type TensorProto = onnxProto.onnx.ITensorProto;

/** TensorProto.DataType by our datatype names. */
const ONNX_TYPES: Readonly<Record<Datatype, number>> = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
};

/** A graph's input or output; a string is a symbol's name, -1 a dimension without one, no shape any rank. */
export interface ValueSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape?: readonly (number | string)[];
}

export interface GraphSpec {
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  readonly nodes: readonly Node[];
  readonly initializers?: readonly TensorProto[];
  readonly opset?: number;
  readonly domains?: readonly { domain: string; version: number }[];
}

/** An ONNX model's bytes. */
export function onnxModel(spec: GraphSpec): Uint8Array {
  const model = onnx.ModelProto.create({
    irVersion: 8,
    producerName: 'test',
    opsetImport: [{ domain: '', version: spec.opset ?? 17 }, ...(spec.domains ?? [])],
    graph: graphProto(spec),
  });
  return onnx.ModelProto.encode(model).finish();
}

function graphProto(spec: GraphSpec): Graph {
  return {
    name: 'graph',
    node: [...spec.nodes],
    input: spec.inputs.map(valueInfo),
    output: spec.outputs.map(valueInfo),
    initializer: [...(spec.initializers ?? [])],
  };
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly Attribute[] = [],
  domain = '',
): Node {
  return { opType, input: [...input], output: [...output], attribute: [...attribute], domain };
}

export function intAttribute(name: string, value: number): Attribute {
  return { name, type: onnx.AttributeProto.AttributeType.INT, i: value };
}

export function floatAttribute(name: string, value: number): Attribute {
  return { name, type: onnx.AttributeProto.AttributeType.FLOAT, f: value };
}

export function stringAttribute(name: string, value: string): Attribute {
  return { name, type: onnx.AttributeProto.AttributeType.STRING, s: Buffer.from(value) };
}

export function tensorAttribute(name: string, value: TensorProto): Attribute {
  return { name, type: onnx.AttributeProto.AttributeType.TENSOR, t: value };
}

export function graphAttribute(name: string, value: GraphSpec): Attribute {
  return { name, type: onnx.AttributeProto.AttributeType.GRAPH, g: graphProto(value) };
}

/** A constant held in the model. */
export function rawTensor(
  name: string,
  datatype: Datatype,
  dims: readonly number[],
  bytes: ArrayBufferView,
): TensorProto {
  return {
    name,
    dataType: ONNX_TYPES[datatype],
    dims: [...dims],
    rawData: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
}

/** A constant whose bytes the model expects in another file. */
export function externalTensor(
  name: string,
  datatype: Datatype,
  dims: readonly number[],
  entries: Readonly<Record<string, string>>,
): TensorProto {
  return {
    name,
    dataType: ONNX_TYPES[datatype],
    dims: [...dims],
    dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}

function valueInfo(spec: ValueSpec): onnxProto.onnx.IValueInfoProto {
  const elemType = ONNX_TYPES[spec.datatype];
  if (spec.shape === undefined) return { name: spec.name, type: { tensorType: { elemType } } };
  const dim = spec.shape.map((size) =>
    typeof size === 'string' ? { dimParam: size } : size < 0 ? {} : { dimValue: size },
  );
  return { name: spec.name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** y = x, for any datatype and shape. */
export function identityModel(datatype: Datatype, shape: readonly (number | string)[]): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'x', datatype, shape }],
    outputs: [{ name: 'y', datatype, shape }],
    nodes: [node('Identity', ['x'], ['y'])],
  });
}

/** sum = a + b over FP32 [n], difference = a - b. */
export function sumModel(): Uint8Array {
  const value = (name: string): ValueSpec => ({ name, datatype: 'FP32', shape: ['n'] });
  return onnxModel({
    inputs: [value('a'), value('b')],
    outputs: [value('sum'), value('difference')],
    nodes: [node('Add', ['a', 'b'], ['sum']), node('Sub', ['a', 'b'], ['difference'])],
  });
}

/**
 * y = x after as many turns as `trips` says, of a loop that does nothing useful: 5e7 turns take many seconds, and
 * nothing stops ONNX Runtime meanwhile.
 * @param trips a number, or an input of the model
 */
export function loopModel(trips: bigint | 'input'): Uint8Array {
  const one = { datatype: 'FP32', shape: [1] } as const;
  const body: GraphSpec = {
    inputs: [
      { name: 'turn', datatype: 'INT64', shape: [] },
      { name: 'again', datatype: 'BOOL', shape: [] },
      { name: 'value', ...one },
    ],
    outputs: [
      { name: 'still', datatype: 'BOOL', shape: [] },
      { name: 'next', ...one },
    ],
    nodes: [node('Identity', ['again'], ['still']), node('Add', ['value', 'zero'], ['next'])],
  };
  const given = { name: 'trips', datatype: 'INT64', shape: [] } as const;
  return onnxModel({
    inputs: [{ name: 'x', ...one }, ...(trips === 'input' ? [given] : [])],
    outputs: [{ name: 'y', ...one }],
    initializers: [
      ...(trips === 'input' ? [] : [rawTensor('trips', 'INT64', [], BigInt64Array.of(trips))]),
      rawTensor('go', 'BOOL', [], Uint8Array.of(1)),
      rawTensor('zero', 'FP32', [1], Float32Array.of(0)),
    ],
    nodes: [node('Loop', ['trips', 'go', 'x'], ['y'], [graphAttribute('body', body)])],
  });
}
