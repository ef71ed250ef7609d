import { createHash } from 'node:crypto';
import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
type Graph = onnxProto.onnx.IGraphProto;
type Node = onnxProto.onnx.INodeProto;
type Attribute = onnxProto.onnx.IAttributeProto;
type Tensor = onnxProto.onnx.ITensorProto;

/** What a graph computes, in a form that can be compared: names and digests, in no order. */
export interface Account {
  /** Operators with their wiring; attributes by name. */
  readonly nodes: readonly NodeAccount[];
  /** Weights and constants, by name: type, shape, digest of the values. */
  readonly weights: ReadonlyMap<string, string>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domains: readonly string[];
}

export interface NodeAccount {
  /** Domain, operator, inputs, outputs. */
  readonly line: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** By a reader that is not ours: onnx-proto over its own protobufjs. */
export function accountOf(model: Uint8Array): Account {
  const { graph, opsetImport } = onnx.ModelProto.decode(model);
  if (graph == null) throw new Error('There is no graph');
  const nodes = (graph.node ?? []).filter((node) => !isConstant(node));
  const weights = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensorLine(tensor)]));
  for (const node of graph.node ?? []) {
    const value = node.attribute?.find(({ name }) => name === 'value')?.t;
    if (isConstant(node) && value != null) weights.set(node.output?.[0] ?? '', tensorLine(value));
  }
  const given = (graph.input ?? []).map(({ name }) => name ?? '').filter((name) => !weights.has(name));
  return {
    nodes: nodes.map(nodeAccount).toSorted((a, b) => (a.line < b.line ? -1 : 1)),
    weights,
    inputs: given,
    outputs: (graph.output ?? []).map(({ name }) => name ?? ''),
    domains: opsetImport.map(({ domain, version }) => `${domainOf(domain)} ${Number(version)}`).toSorted(),
  };
}

/** ONNX Runtime keeps such constants as weights. */
function isConstant({ opType, domain, attribute }: Node): boolean {
  const tensor = attribute?.length === 1 && attribute[0]?.name === 'value' && attribute[0].t != null;
  return opType === 'Constant' && domainOf(domain) === 'ai.onnx' && tensor;
}

function nodeAccount(node: Node): NodeAccount {
  const operator = `${domainOf(node.domain)}:${node.opType ?? ''}`;
  const inputs = withoutTail(node.input ?? []);
  return {
    line: `${operator} ${JSON.stringify(inputs)} ${JSON.stringify(withoutTail(node.output ?? []))}`,
    attributes: new Map((node.attribute ?? []).map((one) => [one.name ?? '', attributeLine(one)])),
  };
}

/** Absent inputs at the end mean the same as none. */
function withoutTail(names: readonly string[]): readonly string[] {
  const last = names.findLastIndex((name) => name !== '');
  return names.slice(0, last + 1);
}

function attributeLine(attribute: Attribute): string {
  const { type, t, g, tensors = [], graphs = [] } = attribute;
  if (t != null) return tensorLine(t);
  if (g != null) return graphLine(g);
  if ((tensors?.length ?? 0) + (graphs?.length ?? 0) > 0) {
    return JSON.stringify([(tensors ?? []).map(tensorLine), (graphs ?? []).map(graphLine)]);
  }
  const { f = 0, i = 0, s, floats = [], ints = [], strings = [] } = attribute;
  const texts = (strings ?? []).map((one) => Buffer.from(one).toString('hex'));
  const text = Buffer.from(s ?? []).toString('hex');
  return JSON.stringify([type, f, String(i), text, floats, (ints ?? []).map(String), texts]);
}

function graphLine(graph: Graph): string {
  const account = accountOf(onnx.ModelProto.encode({ graph }).finish());
  const nodes = account.nodes.map(({ line }) => line);
  return JSON.stringify([
    nodes,
    [...account.weights.keys()].toSorted().map((name) => [name, account.weights.get(name)]),
    account.outputs,
  ]);
}

function tensorLine(tensor: Tensor): string {
  const digest = createHash('sha256').update(valuesOf(tensor)).digest('hex').slice(0, 16);
  return `${tensor.dataType ?? 0} [${(tensor.dims ?? []).map(Number).join(',')}] ${digest}`;
}

/** The values as raw little-endian bytes, in whichever field they stand. */
function valuesOf(tensor: Tensor): Uint8Array {
  const { rawData, floatData, doubleData, int32Data, int64Data, uint64Data, stringData, dataType } = tensor;
  if (rawData != null && rawData.length > 0) return rawData;
  if (floatData != null && floatData.length > 0) return bytesOf(Float32Array.from(floatData));
  if (doubleData != null && doubleData.length > 0) return bytesOf(Float64Array.from(doubleData));
  if (int64Data != null && int64Data.length > 0) return bytesOf(BigInt64Array.from(int64Data.map(toBigInt)));
  if (uint64Data != null && uint64Data.length > 0) {
    const values = uint64Data.map(toBigInt);
    return dataType === 12
      ? bytesOf(Uint32Array.from(values.map(Number)))
      : bytesOf(BigUint64Array.from(values));
  }
  if (stringData != null && stringData.length > 0)
    return Buffer.from(JSON.stringify(stringData.map((one) => Buffer.from(one).toString('hex'))));
  const values = int32Data ?? [];
  if (dataType === 6) return bytesOf(Int32Array.from(values));
  if (dataType === 4 || dataType === 5 || dataType === 10 || dataType === 16)
    return bytesOf(Uint16Array.from(values));
  return Uint8Array.from(values);
}

function toBigInt(value: number | { toString(): string }): bigint {
  return BigInt(value.toString());
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function domainOf(domain: string | null | undefined): string {
  return domain == null || domain === '' ? 'ai.onnx' : domain;
}

/**
 * Where accounts of one model differ; empty where they are of the same graph.
 * @param ours by a reader that is neither ours nor ONNX Runtime's
 * @param theirs what ONNX Runtime wrote back
 * @param found names that our check found
 */
export function differencesOf(
  ours: Account,
  theirs: Account,
  found: Pick<Account, 'inputs' | 'outputs'>,
): readonly string[] {
  return [
    ...unequal('inputs', found.inputs, theirs.inputs),
    ...unequal('outputs', found.outputs, theirs.outputs),
    ...unequal('inputs', ours.inputs, theirs.inputs),
    ...unequal('outputs', ours.outputs, theirs.outputs),
    ...unequal(
      'nodes',
      ours.nodes.map(({ line }) => line),
      theirs.nodes.map(({ line }) => line),
    ),
    ...theirs.nodes.flatMap((node, index) => attributeDifferences(ours.nodes[index], node)),
    ...weightDifferences(ours, theirs),
  ];
}

function unequal(what: string, ours: readonly string[], theirs: readonly string[]): readonly string[] {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return a === b ? [] : [`${what}: ${a} is ${b} to ONNX Runtime`];
}

function attributeDifferences(
  ours: NodeAccount | undefined,
  { line, attributes }: NodeAccount,
): readonly string[] {
  const names = new Set([...(ours?.attributes.keys() ?? []), ...attributes.keys()]);
  return [...names].flatMap((name) => {
    const a = ours?.attributes.get(name);
    const b = attributes.get(name);
    return a === b ? [] : [`${line} ${name}: ${a} is ${b} to ONNX Runtime`];
  });
}

/** ONNX Runtime drops weights that nothing uses; all others must be there with their values. */
function weightDifferences(ours: Account, theirs: Account): readonly string[] {
  const wiring = [...ours.nodes.map(({ line }) => line), JSON.stringify(ours.outputs)].join('\n');
  const names = new Set([...ours.weights.keys(), ...theirs.weights.keys()]);
  return [...names].flatMap((name) => {
    const a = ours.weights.get(name);
    const b = theirs.weights.get(name);
    const dropped = b === undefined && !wiring.includes(JSON.stringify(name));
    return a === b || dropped ? [] : [`weight ${name}: ${a} is ${b} to ONNX Runtime`];
  });
}
