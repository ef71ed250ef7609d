import protobuf from 'protobufjs';
import { EdgeError } from '../../core/mod.js';
import { checkStrictForm, noModel } from '../mod.js';

/**
 * ONNX models as protobuf messages. Only the fields that we look at are described here, by the names and
 * numbers of the ONNX specification; the reader keeps all others as raw bytes and writes them back, so a model
 * of a newer ONNX version loses nothing when it is rewritten.
 */
export interface OnnxModel {
  irVersion?: Int64;
  opsetImport: { domain?: string; version?: Int64 }[];
  producerName?: string;
  producerVersion?: string;
  graph?: OnnxGraph | null;
  metadataProps: { key?: string; value?: string }[];
  functions: OnnxFunction[];
  trainingInfo: { initialization?: OnnxGraph | null; algorithm?: OnnxGraph | null }[];
}
export interface OnnxGraph {
  node: OnnxNode[];
  name?: string;
  initializer: OnnxTensor[];
  sparseInitializer: { values?: OnnxTensor; indices?: OnnxTensor }[];
  input: OnnxValueInfo[];
  output: OnnxValueInfo[];
  valueInfo: OnnxValueInfo[];
}
export interface OnnxFunction {
  name?: string;
  domain?: string;
  node: OnnxNode[];
  opsetImport: { domain?: string; version?: Int64 }[];
  /** Defaults of the function's attributes. */
  attributeProto: OnnxAttribute[];
}
export interface OnnxNode {
  input: string[];
  output: string[];
  name?: string;
  opType?: string;
  domain?: string;
  attribute: OnnxAttribute[];
}
export interface OnnxAttribute {
  name?: string;
  t?: OnnxTensor;
  g?: OnnxGraph;
  tensors: OnnxTensor[];
  graphs: OnnxGraph[];
  sparseTensor?: { values?: OnnxTensor; indices?: OnnxTensor };
  sparseTensors: { values?: OnnxTensor; indices?: OnnxTensor }[];
}
export interface OnnxTensor {
  dims: Int64[];
  dataType?: number;
  name?: string;
  rawData?: Uint8Array;
  externalData: { key?: string; value?: string }[];
  /** 1 = the data stand in another file. */
  dataLocation?: number;
}
/** Neither field: any size, without a name. Messages inherit defaults, so ask {@link fixedSize} and {@link symbolOf}. */
export interface OnnxDimension {
  dimValue?: Int64;
  dimParam?: string;
}
export interface OnnxValueInfo {
  name?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim: OnnxDimension[] } } };
}
export type Int64 = number | { toNumber(): number };

/** TensorProto.DataLocation. */
const EXTERNAL = 1;

type Fields = Record<string, [id: number, type: string, rule?: 'repeated']>;

// A field that was written is written again, even with its default value: `dim_value: 0` is not an absent size.
const EXPLICIT = { features: { field_presence: 'EXPLICIT' } };

function message(fields: Fields): protobuf.IType {
  const described: Record<string, protobuf.IField> = {};
  for (const [name, [id, type, rule]] of Object.entries(fields)) {
    // ONNX's files are written without packing; both forms are read.
    const options = rule === undefined ? EXPLICIT : { packed: false };
    described[name] = { id, type, options, ...(rule === undefined ? {} : { rule }) };
  }
  return { fields: described };
}

const nested: Record<string, protobuf.IType> = {
  Model: message({
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    graph: [7, 'Graph'],
    opsetImport: [8, 'OperatorSet', 'repeated'],
    metadataProps: [14, 'Entry', 'repeated'],
    trainingInfo: [20, 'TrainingInfo', 'repeated'],
    functions: [25, 'Function', 'repeated'],
  }),
  TrainingInfo: message({ initialization: [1, 'Graph'], algorithm: [2, 'Graph'] }),
  OperatorSet: message({ domain: [1, 'string'], version: [2, 'int64'] }),
  Graph: message({
    node: [1, 'Node', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'Tensor', 'repeated'],
    input: [11, 'ValueInfo', 'repeated'],
    output: [12, 'ValueInfo', 'repeated'],
    valueInfo: [13, 'ValueInfo', 'repeated'],
    sparseInitializer: [15, 'SparseTensor', 'repeated'],
  }),
  Function: message({
    name: [1, 'string'],
    node: [7, 'Node', 'repeated'],
    opsetImport: [9, 'OperatorSet', 'repeated'],
    domain: [10, 'string'],
    attributeProto: [11, 'Attribute', 'repeated'],
  }),
  Node: message({
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'Attribute', 'repeated'],
    domain: [7, 'string'],
  }),
  Attribute: message({
    name: [1, 'string'],
    t: [5, 'Tensor'],
    g: [6, 'Graph'],
    tensors: [10, 'Tensor', 'repeated'],
    graphs: [11, 'Graph', 'repeated'],
    sparseTensor: [22, 'SparseTensor'],
    sparseTensors: [23, 'SparseTensor', 'repeated'],
  }),
  Tensor: message({
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    externalData: [13, 'Entry', 'repeated'],
    dataLocation: [14, 'int32'],
  }),
  SparseTensor: message({ values: [1, 'Tensor'], indices: [2, 'Tensor'] }),
  Entry: message({ key: [1, 'string'], value: [2, 'string'] }),
  ValueInfo: message({ name: [1, 'string'], type: [2, 'ValueType'] }),
  ValueType: message({ tensorType: [1, 'TensorType'] }),
  TensorType: message({ elemType: [1, 'int32'], shape: [2, 'Shape'] }),
  Shape: message({ dim: [1, 'Dimension', 'repeated'] }),
  Dimension: message({ dimValue: [1, 'int64'], dimParam: [2, 'string'] }),
};

const modelType = protobuf.Root.fromJSON({ nested }).lookupType('Model');

/** A new attribute's value: a whole number, a text, or whole numbers. */
export type NewAttribute = number | string | readonly number[];

/** TensorProto's AttributeType. */
const ATTRIBUTE_TYPES = { number: 2, text: 3, numbers: 7 } as const;

const newNodeType = protobuf.Root.fromJSON({
  nested: {
    Node: nested['Node'] ?? {},
    Attribute: message({
      name: [1, 'string'],
      i: [3, 'int64'],
      s: [4, 'bytes'],
      ints: [8, 'int64', 'repeated'],
      type: [20, 'int32'],
    }),
  },
}).lookupType('Node');
const nodeType = modelType.root.lookupType('Node');

/** A node of the default operator set. Our description keeps attributes' values closed: they are written for it to keep. */
export function newNode(
  opType: string,
  input: readonly string[],
  output: string,
  attributes: Readonly<Record<string, NewAttribute>> = {},
): OnnxNode {
  const attribute = Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'number') return { name, i: value, type: ATTRIBUTE_TYPES.number };
    if (typeof value === 'string')
      return { name, s: new TextEncoder().encode(value), type: ATTRIBUTE_TYPES.text };
    return { name, ints: [...value], type: ATTRIBUTE_TYPES.numbers };
  });
  const node = { name: output, opType, input: [...input], output: [output], attribute };
  const reader = protobuf.Reader.create(newNodeType.encode(newNodeType.fromObject(node)).finish());
  reader.discardUnknown = false;
  return nodeType.decode(reader) as unknown as OnnxNode;
}

/**
 * @throws EdgeError FAILED_PRECONDITION where the bytes are no whole ONNX model
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  const reader = protobuf.Reader.create(bytes);
  reader.discardUnknown = false;
  let model: OnnxModel;
  try {
    // Bytes that two readers take differently must not be turned into one of the two meanings.
    checkStrictForm(bytes);
    model = modelType.decode(reader) as unknown as OnnxModel;
  } catch (error) {
    throw noModel(bytes, error);
  }
  if (model.graph == null) {
    throw new EdgeError('MODEL_REFUSED', 'Cannot read the model as it holds no graph: is it an ONNX file', {
      nextStep: 'Give an ONNX file, whole: compare its size with where it comes from',
    });
  }
  return model;
}

/** Whether a tensor's data stand in another file. */
export function isExternal({ dataLocation, externalData }: OnnxTensor): boolean {
  return dataLocation === EXTERNAL || externalData.length > 0;
}

export function encodeModel(model: OnnxModel): Uint8Array {
  const bytes = modelType.encode(model as unknown as protobuf.Message).finish();
  // Its own memory: onnxruntime gets the whole buffer that a view stands on.
  return Uint8Array.from(bytes);
}

export function toNumber(value: Int64 | undefined): number {
  return value === undefined ? 0 : typeof value === 'number' ? value : value.toNumber();
}

/** A dimension's size, or undefined where it is open. */
export function fixedSize(dimension: OnnxDimension): number | undefined {
  return Object.hasOwn(dimension, 'dimValue') ? toNumber(dimension.dimValue) : undefined;
}

/** An open dimension's name, or undefined where it has none. */
export function symbolOf(dimension: OnnxDimension): string | undefined {
  return Object.hasOwn(dimension, 'dimParam') && dimension.dimParam !== '' ? dimension.dimParam : undefined;
}
