import { refused } from './refusal.js';
import { fieldsOf } from './wire.js';

/** Deepest nesting of graphs within nodes that is walked; real models stay below 5. */
const MAX_DEPTH = 32;

/** Field numbers of onnx.proto for the messages that lead to nodes and tensors. */
const MODEL = { graph: 7, trainingInfo: 20, functions: 25 } as const;
const TRAINING = { initialization: 1, algorithm: 2 } as const;
const FUNCTION = { node: 7, attributeProto: 11 } as const;
const GRAPH = { node: 1, initializer: 5, sparseInitializer: 15 } as const;
const NODE = { attribute: 5 } as const;
const ATTRIBUTE = { t: 5, g: 6, tensors: 10, graphs: 11, sparseTensor: 22, sparseTensors: 23 } as const;
const SPARSE = { values: 1, indices: 2 } as const;

/** Is shown each node and each tensor of a file, wherever they stand: main graph, inner ones, functions, training. */
export interface ModelVisitor {
  node(bytes: Uint8Array): void;
  /** @param isWeight it is one of a graph's weights; else a constant of a node, or part of a sparse tensor */
  tensor(bytes: Uint8Array, isWeight: boolean): void;
}

/** Walks a model in strict form without keeping anything of it. */
export function walkModel(model: Uint8Array, visitor: ModelVisitor): void {
  for (const { number, bytes } of fieldsOf(model)) {
    if (bytes === undefined) continue;
    if (number === MODEL.graph) walkGraph(bytes, visitor, 0);
    else if (number === MODEL.functions) walkFunction(bytes, visitor);
    else if (number === MODEL.trainingInfo) walkTraining(bytes, visitor);
  }
}

function walkFunction(bytes: Uint8Array, visitor: ModelVisitor): void {
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === FUNCTION.node) walkNode(field.bytes, visitor, 0);
    else if (field.number === FUNCTION.attributeProto) walkAttribute(field.bytes, visitor, 0);
  }
}

function walkTraining(bytes: Uint8Array, visitor: ModelVisitor): void {
  for (const field of fieldsOf(bytes)) {
    const graph = field.number === TRAINING.initialization || field.number === TRAINING.algorithm;
    if (graph && field.bytes !== undefined) walkGraph(field.bytes, visitor, 0);
  }
}

function walkGraph(bytes: Uint8Array, visitor: ModelVisitor, depth: number): void {
  if (depth > MAX_DEPTH)
    throw refused(
      `its graphs are nested deeper than ${MAX_DEPTH}`,
      undefined,
      'Export it with fewer branches and loops within each other',
    );
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === GRAPH.node) walkNode(field.bytes, visitor, depth);
    else if (field.number === GRAPH.initializer) visitor.tensor(field.bytes, true);
    else if (field.number === GRAPH.sparseInitializer) walkSparse(field.bytes, visitor);
  }
}

function walkNode(bytes: Uint8Array, visitor: ModelVisitor, depth: number): void {
  visitor.node(bytes);
  for (const field of fieldsOf(bytes)) {
    if (field.number === NODE.attribute && field.bytes !== undefined) {
      walkAttribute(field.bytes, visitor, depth);
    }
  }
}

function walkAttribute(bytes: Uint8Array, visitor: ModelVisitor, depth: number): void {
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    switch (field.number) {
      case ATTRIBUTE.t:
      case ATTRIBUTE.tensors:
        visitor.tensor(field.bytes, false);
        break;
      case ATTRIBUTE.g:
      case ATTRIBUTE.graphs:
        walkGraph(field.bytes, visitor, depth + 1);
        break;
      case ATTRIBUTE.sparseTensor:
      case ATTRIBUTE.sparseTensors:
        walkSparse(field.bytes, visitor);
        break;
      default:
    }
  }
}

function walkSparse(bytes: Uint8Array, visitor: ModelVisitor): void {
  for (const field of fieldsOf(bytes)) {
    const tensor = field.number === SPARSE.values || field.number === SPARSE.indices;
    if (tensor && field.bytes !== undefined) visitor.tensor(field.bytes, false);
  }
}
