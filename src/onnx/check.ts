import { MAX_TENSORS } from '../contract/mod.js';
import type { EdgeError } from '../core/mod.js';
import { DEFAULT_DOMAIN, domainName } from './domains.js';
import { nameOf, numberAt, tensorOf, textAt, type GraphTensor } from './facts.js';
import { noModel, refused } from './refusal.js';
import { checkStrictForm } from './strict.js';
import { walkModel } from './walk.js';
import { isOutside, wrongOutside, type WeightsFiles } from './weights.js';
import { eachVarint, fieldsOf } from './wire.js';

/** Operator sets that ONNX Runtime itself brings along, by the names that people know. */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set([
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.experimental',
]);
/** Operators that read files or run foreign code, in whatever domain they claim to be. */
const REFUSED_OPERATORS: ReadonlySet<string> = new Set(['EPContext', 'PyOp', 'PythonOp']);
/** One protobuf message, and with it all weights, ends at 2 GiB. */
const MAX_BYTES = 2 ** 31 - 1;
const MAX_RANK = 64;
const LEAST_IR_VERSION = 3;
/** ONNX Runtime takes bytes with this at offset 4 for its own format, whatever else they are. */
const ORT_IDENTIFIER = 'ORTM';

const MODEL = { irVersion: 1, graph: 7, opsetImport: 8, functions: 25 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const FUNCTION = { name: 1, domain: 10 } as const;
const GRAPH = { initializer: 5, input: 11, output: 12, sparseInitializer: 15 } as const;
const SPARSE = { values: 1 } as const;
const NODE = { name: 3, opType: 4, domain: 7 } as const;
const TENSOR = { dims: 1, name: 8 } as const;
const NO_FILES: WeightsFiles = new Map();

/** What an accepted model's bytes say. After loading, ONNX Runtime's session must say the same. */
export interface ModelFacts {
  readonly irVersion: number;
  /** Version of the operator set ai.onnx; 0 where the file names none. */
  readonly opset: number;
  readonly domains: readonly { readonly domain: string; readonly version: number }[];
  readonly inputs: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
}

/**
 * The one look at a model before native code sees its bytes, the same on a laptop and on a device: in strict wire
 * form, so that ONNX Runtime reads the graph that was read here; nothing that reaches outside the package (data in
 * other files than its own, foreign operators, contexts of execution providers); no weight of absurd size. Streams: it keeps nothing
 * of the model, and costs the time of its headers. Whether the graph makes sense is for ONNX Runtime to judge, in
 * a process that may be killed.
 * @param files of the package, in which weights may stand; default: none
 * @throws EdgeError FAILED_PRECONDITION with the reason
 */
export function checkModelBytes(model: Uint8Array, files: WeightsFiles = NO_FILES): ModelFacts {
  if (model.length > MAX_BYTES) {
    throw refused(`it must be at most ${MAX_BYTES} bytes: current size is ${model.length}`);
  }
  checkFormat(model);
  checkParts(model, files);
  return factsOf(model);
}

/**
 * The same for a model that is to be packaged: a package describes what its model takes and gives, and by which
 * operator set.
 */
export function checkPackable(model: Uint8Array, files?: WeightsFiles): ModelFacts {
  const facts = checkModelBytes(model, files);
  // A set that is used and not named counts in ONNX Runtime by its newest version; a file that names none is refused.
  if (!facts.domains.some(({ version }) => version > 0)) {
    throw refused(
      'it names no operator set with its version',
      undefined,
      'Name it in opset_imports of onnx.helper.make_model when the model is made',
    );
  }
  if (facts.outputs.length === 0) {
    throw refused(
      'it has no outputs',
      undefined,
      'Name what it shall give as outputs of its graph when it is exported',
    );
  }
  for (const [kind, { length }] of [
    ['inputs', facts.inputs],
    ['outputs', facts.outputs],
  ] as const) {
    if (length <= MAX_TENSORS) continue;
    throw refused(
      `it must have at most ${MAX_TENSORS} ${kind}: current number is ${length}`,
      undefined,
      'Export it with fewer: tensors of one type can be stacked into one',
    );
  }
  return facts;
}

function checkFormat(model: Uint8Array): void {
  if (Buffer.from(model.subarray(4, 8)).toString('latin1') === ORT_IDENTIFIER) {
    throw refused(
      'it is in ONNX Runtime’s own format, or could be read so (ORTM at offset 4)',
      undefined,
      'Give the ONNX file that it was made of',
    );
  }
  try {
    checkStrictForm(model);
  } catch (error) {
    throw noModel(model, error);
  }
}

function checkParts(model: Uint8Array, files: WeightsFiles): void {
  const local = localFunctions(model);
  walkModel(model, {
    node: (bytes) => checkNode(bytes, local),
    tensor: (bytes, isWeight) => {
      const elements = checkTensor(bytes);
      if (isOutside(bytes)) checkOutside(bytes, elements, isWeight ? files : NO_FILES);
    },
  });
}

function localFunctions(model: Uint8Array): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { number, bytes } of fieldsOf(model)) {
    if (number !== MODEL.functions) continue;
    names.add(`${domainName(textAt(bytes, FUNCTION.domain))}:${textAt(bytes, FUNCTION.name)}`);
  }
  return names;
}

function checkNode(bytes: Uint8Array, local: ReadonlySet<string>): void {
  const domain = domainName(textAt(bytes, NODE.domain));
  const opType = textAt(bytes, NODE.opType);
  if (KNOWN_DOMAINS.has(domain) && !REFUSED_OPERATORS.has(opType)) return;
  const operator = `${domain}:${opType}`;
  const name = textAt(bytes, NODE.name);
  const where = name === '' ? '' : ` (node '${name}')`;
  if (REFUSED_OPERATORS.has(opType)) {
    throw refused(
      `the operator ${operator} may reach outside the model${where}`,
      undefined,
      'Export it for the CPU, without contexts of execution providers and without Python operators',
    );
  }
  if (local.has(operator)) return;
  const known = [...KNOWN_DOMAINS].join(', ');
  throw refused(
    `the operator ${operator} is of a domain that the runtime does not have: known are ${known}${where}`,
    undefined,
    'Export it with those operators alone, and leave what only an extension can do to the app',
  );
}

/** @returns how many elements it says that it has */
function checkTensor(bytes: Uint8Array): number {
  let elements = 1;
  let rank = 0;
  const dimension = (size: number): void => {
    if (size < 0) throw badTensor(bytes, `has a negative dimension: ${size}`);
    elements *= size;
    rank += 1;
  };
  for (const field of fieldsOf(bytes)) {
    if (field.number !== TENSOR.dims) continue;
    if (field.bytes === undefined) dimension(field.value);
    else eachVarint(field.bytes, dimension);
  }
  if (rank > MAX_RANK) throw badTensor(bytes, `has ${rank} dimensions`);
  if (elements > MAX_BYTES) throw badTensor(bytes, `says that it has ${elements} elements`);
  return elements;
}

function checkOutside(bytes: Uint8Array, elements: number, files: WeightsFiles): void {
  const wrong = wrongOutside(bytes, elements, files);
  if (wrong !== undefined) throw badTensor(bytes, wrong);
}

function badTensor(bytes: Uint8Array, reason: string): EdgeError {
  return refused(`'${textAt(bytes, TENSOR.name)}' ${reason}`);
}

function factsOf(model: Uint8Array): ModelFacts {
  let graph: Uint8Array | undefined;
  const domains: { domain: string; version: number }[] = [];
  for (const { number, bytes } of fieldsOf(model)) {
    if (bytes === undefined) continue;
    if (number === MODEL.graph) graph = bytes;
    if (number !== MODEL.opsetImport) continue;
    domains.push({
      domain: domainName(textAt(bytes, OPSET.domain)),
      version: numberAt(bytes, OPSET.version) ?? 0,
    });
  }
  if (graph === undefined)
    throw refused('it holds no graph: is it an ONNX file', undefined, 'Give an ONNX file, whole');
  const irVersion = numberAt(model, MODEL.irVersion) ?? 0;
  if (irVersion < LEAST_IR_VERSION) {
    throw refused(
      `its IR version must be at least ${LEAST_IR_VERSION}: current value is ${irVersion}`,
      undefined,
      'Export it again with a newer version of onnx',
    );
  }
  domains.sort((a, b) => (a.domain < b.domain ? -1 : 1));
  const opset = domains.find(({ domain }) => domain === DEFAULT_DOMAIN)?.version ?? 0;
  return { irVersion, opset, domains, ...signatureOf(graph) };
}

function signatureOf(graph: Uint8Array): Pick<ModelFacts, 'inputs' | 'outputs'> {
  // Weights may stand among the inputs too (IR 3): those are defaults, not inputs.
  const weights = new Set<string>();
  const inputs: Uint8Array[] = [];
  const outputs: Uint8Array[] = [];
  for (const { number, bytes } of fieldsOf(graph)) {
    if (bytes === undefined) continue;
    if (number === GRAPH.initializer) weights.add(textAt(bytes, TENSOR.name));
    else if (number === GRAPH.sparseInitializer) weights.add(sparseName(bytes));
    else if (number === GRAPH.input) inputs.push(bytes);
    else if (number === GRAPH.output) outputs.push(bytes);
  }
  const real = inputs.filter((bytes) => !weights.has(nameOf(bytes)));
  return {
    inputs: distinct(
      real.map((bytes) => tensorOf(bytes, 'input')),
      'input',
    ),
    outputs: distinct(
      outputs.map((bytes) => tensorOf(bytes, 'output')),
      'output',
    ),
  };
}

/** A sparse weight goes by the name of its values. */
function sparseName(sparse: Uint8Array): string {
  for (const { number, bytes } of fieldsOf(sparse)) {
    if (number === SPARSE.values && bytes !== undefined) return textAt(bytes, TENSOR.name);
  }
  return '';
}

const UNIQUE = 'Give each input and each output a name of its own when the model is exported';

function distinct(tensors: readonly GraphTensor[], kind: string): readonly GraphTensor[] {
  const seen = new Set<string>();
  for (const { name } of tensors) {
    if (seen.has(name)) throw refused(`${kind} '${name}' is there twice`, undefined, UNIQUE);
    seen.add(name);
  }
  return tensors;
}
