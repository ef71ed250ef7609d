import { EdgeError, messageOf } from '../core/mod.js';
import { fieldsOf, varintsOf } from './wire.js';

/** Deepest nesting of graphs within nodes that is walked; real models stay below 5. */
const MAX_DEPTH = 32;

/** Operator sets that ONNX Runtime itself brings along. */
const KNOWN_DOMAINS = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.experimental',
]);

/** Operators of those that read files or run foreign code. */
const REFUSED_OPERATORS = new Set(['EPContext', 'PyOp', 'PythonOp']);

/** One protobuf message, and with it all weights, ends at 2 GiB. */
const MAX_ELEMENTS = 2 ** 31;

/** Field numbers of onnx.proto (ONNX IR specification) for the messages that lead to tensors and nodes. */
const MODEL = { graph: 7, trainingInfo: 20, functions: 25 } as const;
const TRAINING = { initialization: 1, algorithm: 2 } as const;
const FUNCTION = { node: 7, domain: 10, attributeProto: 11 } as const;
const GRAPH = { node: 1, initializer: 5, sparseInitializer: 15 } as const;
const NODE = { opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { t: 5, g: 6, tensors: 10, graphs: 11, sparseTensor: 22, sparseTensors: 23 } as const;
const SPARSE = { values: 1, indices: 2 } as const;
const TENSOR = { dims: 1, externalData: 13, dataLocation: 14 } as const;

/**
 * The device's last look before native code sees the bytes. Refuses models that reach outside themselves: weights
 * in other files (ONNX Runtime loads them through a hard link, or relative to the working folder), contexts of
 * execution providers, foreign operators; and weights of absurd size.
 *
 * Packaging checks more, with a decoder (decoded/); a host must not pay for that in memory and start-up time,
 * nor trust that a package was made by our tools.
 * @throws EdgeError FAILED_PRECONDITION with the reason
 */
export function guardModelBytes(model: Uint8Array): void {
  try {
    walkModel(model);
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw refused(`it is not an ONNX file: ${messageOf(error)}`);
  }
}

function walkModel(model: Uint8Array): void {
  const parts = [...fieldsOf(model)];
  const domains = new Set(KNOWN_DOMAINS);
  for (const { number, bytes } of parts) {
    if (number === MODEL.functions && bytes !== undefined) domains.add(functionDomain(bytes));
  }
  let graphs = 0;
  for (const { number, bytes } of parts) {
    if (bytes === undefined) continue;
    if (number === MODEL.graph) {
      graphs += 1;
      walkGraph(bytes, domains, 0);
    } else if (number === MODEL.functions) walkFunction(bytes, domains);
    else if (number === MODEL.trainingInfo) walkTraining(bytes, domains);
  }
  if (graphs === 0) throw refused('it holds no graph');
}

function functionDomain(bytes: Uint8Array): string {
  for (const field of fieldsOf(bytes)) {
    if (field.number === FUNCTION.domain && field.bytes !== undefined) return text(field.bytes);
  }
  return '';
}

function walkFunction(bytes: Uint8Array, domains: ReadonlySet<string>): void {
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === FUNCTION.node) walkNode(field.bytes, domains, 0);
    else if (field.number === FUNCTION.attributeProto) walkAttribute(field.bytes, domains, 0);
  }
}

function walkTraining(bytes: Uint8Array, domains: ReadonlySet<string>): void {
  for (const field of fieldsOf(bytes)) {
    const graph = field.number === TRAINING.initialization || field.number === TRAINING.algorithm;
    if (graph && field.bytes !== undefined) walkGraph(field.bytes, domains, 0);
  }
}

function walkGraph(bytes: Uint8Array, domains: ReadonlySet<string>, depth: number): void {
  if (depth > MAX_DEPTH) throw refused(`its graphs are nested deeper than ${MAX_DEPTH}`);
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === GRAPH.node) walkNode(field.bytes, domains, depth);
    else if (field.number === GRAPH.initializer) walkTensor(field.bytes);
    else if (field.number === GRAPH.sparseInitializer) walkSparse(field.bytes);
  }
}

function walkNode(bytes: Uint8Array, domains: ReadonlySet<string>, depth: number): void {
  let domain = '';
  let opType = '';
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === NODE.attribute) walkAttribute(field.bytes, domains, depth);
    else if (field.number === NODE.domain) domain = text(field.bytes);
    else if (field.number === NODE.opType) opType = text(field.bytes);
  }
  const name = JSON.stringify(`${domain}::${opType}`.slice(0, 200));
  if (!domains.has(domain)) throw refused(`operator ${name} does not come with ONNX Runtime`);
  if (REFUSED_OPERATORS.has(opType)) throw refused(`operator ${name} reaches outside the model`);
}

function walkAttribute(bytes: Uint8Array, domains: ReadonlySet<string>, depth: number): void {
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    switch (field.number) {
      case ATTRIBUTE.t:
      case ATTRIBUTE.tensors:
        walkTensor(field.bytes);
        break;
      case ATTRIBUTE.g:
      case ATTRIBUTE.graphs:
        walkGraph(field.bytes, domains, depth + 1);
        break;
      case ATTRIBUTE.sparseTensor:
      case ATTRIBUTE.sparseTensors:
        walkSparse(field.bytes);
        break;
      default:
    }
  }
}

function walkSparse(bytes: Uint8Array): void {
  for (const field of fieldsOf(bytes)) {
    const tensor = field.number === SPARSE.values || field.number === SPARSE.indices;
    if (tensor && field.bytes !== undefined) walkTensor(field.bytes);
  }
}

function walkTensor(bytes: Uint8Array): void {
  let elements = 1;
  for (const field of fieldsOf(bytes)) {
    const external =
      field.number === TENSOR.externalData || (field.number === TENSOR.dataLocation && field.value !== 0);
    if (external) throw refused('it keeps weights in another file (external data)');
    if (field.number !== TENSOR.dims) continue;
    for (const size of field.bytes === undefined ? [field.value] : varintsOf(field.bytes)) {
      // A negative size comes as its 64-bit complement, so it is huge here.
      if (size > MAX_ELEMENTS) throw refused(`one of its weights has a dimension of ${size}`);
      elements *= size;
    }
  }
  if (elements > MAX_ELEMENTS) throw refused(`one of its weights has ${elements} elements`);
}

const decoder = new TextDecoder();
function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function refused(reason: string): EdgeError {
  return new EdgeError('MODEL_REFUSED', `Cannot load the model as ${reason}`, {
    nextStep: 'Compile it again with edge-manager compile, which makes one self-contained file',
  });
}
