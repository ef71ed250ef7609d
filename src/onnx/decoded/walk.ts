import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from './proto.js';

/** Every graph of a model: the main one, training's, and those inside attributes (If, Loop, Scan, defaults). */
function* graphsOf(model: OnnxModel): Generator<OnnxGraph> {
  if (model.graph != null) yield* graphAndInner(model.graph);
  for (const { initialization, algorithm } of model.trainingInfo) {
    if (initialization != null) yield* graphAndInner(initialization);
    if (algorithm != null) yield* graphAndInner(algorithm);
  }
  for (const { node, attributeProto } of model.functions) {
    yield* innerGraphs(node);
    yield* attributeGraphs(attributeProto);
  }
}

/** Every node, those of inner graphs and of local functions included. */
export function* nodesOf(model: OnnxModel): Generator<OnnxNode> {
  for (const graph of graphsOf(model)) yield* graph.node;
  for (const { node } of model.functions) yield* node;
}

/** The weights of every graph, which may stand in other files. */
export function* weightsOf(model: OnnxModel): Generator<OnnxTensor> {
  for (const graph of graphsOf(model)) yield* graph.initializer;
}

/** Every tensor that the file holds: weights, sparse weights, and constants in attributes. */
export function* tensorsOf(model: OnnxModel): Generator<OnnxTensor> {
  for (const graph of graphsOf(model)) {
    yield* graph.initializer;
    for (const sparse of graph.sparseInitializer) yield* sparseParts(sparse);
  }
  for (const { attribute } of nodesOf(model)) {
    for (const part of attribute) yield* attributeTensors(part);
  }
  for (const { attributeProto } of model.functions) {
    for (const part of attributeProto) yield* attributeTensors(part);
  }
}

/** All names that a node takes: its inputs, and what graphs within it may take from outside. */
export function* namesWithin(node: OnnxNode): Generator<string> {
  yield* node.input;
  for (const graph of innerGraphs([node])) {
    for (const { input } of graph.node) yield* input;
    for (const { name } of graph.output) yield name ?? '';
  }
}

function* graphAndInner(graph: OnnxGraph): Generator<OnnxGraph> {
  yield graph;
  yield* innerGraphs(graph.node);
}

function* innerGraphs(nodes: readonly OnnxNode[]): Generator<OnnxGraph> {
  for (const { attribute } of nodes) yield* attributeGraphs(attribute);
}

function* attributeGraphs(attributes: readonly OnnxAttribute[]): Generator<OnnxGraph> {
  for (const { g, graphs } of attributes) {
    if (g != null) yield* graphAndInner(g);
    for (const graph of graphs) yield* graphAndInner(graph);
  }
}

function* attributeTensors({
  t,
  tensors,
  sparseTensor,
  sparseTensors,
}: OnnxAttribute): Generator<OnnxTensor> {
  if (t != null) yield t;
  yield* tensors;
  for (const sparse of [...(sparseTensor == null ? [] : [sparseTensor]), ...sparseTensors]) {
    yield* sparseParts(sparse);
  }
}

function* sparseParts(sparse: { values?: OnnxTensor; indices?: OnnxTensor }): Generator<OnnxTensor> {
  if (sparse.values != null) yield sparse.values;
  if (sparse.indices != null) yield sparse.indices;
}
