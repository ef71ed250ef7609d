import type { Datatype } from '../../contract/mod.js';
import { EdgeError } from '../../core/mod.js';
import { FILE_MAX_BYTES, type TensorSpec } from '../../model/mod.js';
import {
  decodeModel,
  fixedSize,
  symbolOf,
  toNumber,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValueInfo,
} from './proto.js';
import { nodesOf, tensorsOf } from './walk.js';

/** ONNX's numbers of element types that onnxruntime-node takes as inputs and outputs. */
const ELEMENT_TYPES: Readonly<Record<number, Datatype>> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'BYTES',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
  12: 'UINT32',
  13: 'UINT64',
};
const EXTERNAL = 1;
const MAX_RANK = 64;

/** Operators that a package may use: ONNX's own, its classical ML ones, and onnxruntime's portable fusions. */
const DOMAINS = new Set(['ai.onnx', 'ai.onnx.ml', 'com.microsoft']);
/** Operators of those domains that read other files or run foreign code. */
const REFUSED_OPERATORS = new Set([
  'com.microsoft:EPContext',
  'com.microsoft:PyOp',
  'com.microsoft:PythonOp',
]);

/** What a package says of its model's file. */
export interface ModelFacts {
  readonly irVersion: number;
  readonly opset: number;
  readonly domains: readonly { domain: string; version: number }[];
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/**
 * Looks at a model before native code does: refuses what could reach outside the file (external data, foreign
 * operators), and what contradicts itself. Everything else is for onnxruntime to judge, in a process of its own.
 * @throws EdgeError FAILED_PRECONDITION saying what is wrong and where
 */
export function checkModelBytes(bytes: Uint8Array): ModelFacts {
  if (bytes.length > FILE_MAX_BYTES)
    fail(`it must be at most ${FILE_MAX_BYTES} bytes: current size is ${bytes.length}`);
  return checkModel(decodeModel(bytes));
}

export function checkModel(model: OnnxModel): ModelFacts {
  checkOperators(model);
  for (const tensor of tensorsOf(model)) checkTensor(tensor);
  const domains = model.opsetImport.map(({ domain, version }) => ({
    domain: domainName(domain),
    version: toNumber(version),
  }));
  const opset = domains.find(({ domain }) => domain === 'ai.onnx')?.version;
  if (opset === undefined || opset < 1) fail('it names no version of the operator set ai.onnx');
  const irVersion = toNumber(model.irVersion);
  if (irVersion < 3) fail(`its IR version must be at least 3: current value is ${irVersion}`);
  const { inputs, outputs } = signatureOf(model);
  return {
    irVersion,
    opset,
    domains: domains.toSorted((a, b) => (a.domain < b.domain ? -1 : 1)),
    inputs,
    outputs,
  };
}

/** The default domain is written as an empty string in files. */
export function domainName(domain: string | undefined): string {
  return domain === undefined || domain === '' ? 'ai.onnx' : domain;
}

/** Whether a tensor's data stand in another file. */
export function isExternal({ dataLocation, externalData }: OnnxTensor): boolean {
  return dataLocation === EXTERNAL || externalData.length > 0;
}

function checkOperators(model: OnnxModel): void {
  const local = new Set(model.functions.map(({ domain, name }) => `${domainName(domain)}:${name}`));
  for (const { domain, opType, name } of nodesOf(model)) {
    const operator = `${domainName(domain)}:${opType ?? ''}`;
    const where = name === undefined || name === '' ? '' : ` (node '${name}')`;
    if (REFUSED_OPERATORS.has(operator)) fail(`the operator ${operator} may reach outside the model${where}`);
    if (local.has(operator)) continue;
    if (!DOMAINS.has(domainName(domain))) {
      fail(
        `the operator ${operator} is of a domain that the runtime does not have: known are ${[...DOMAINS].join(', ')}${where}`,
      );
    }
  }
}

function checkTensor(tensor: OnnxTensor): void {
  const name = tensor.name ?? '';
  if (isExternal(tensor)) fail(`the data of '${name}' stand in another file`);
  if (tensor.dims.length > MAX_RANK) fail(`'${name}' has ${tensor.dims.length} dimensions`);
  let elements = 1;
  for (const size of tensor.dims.map(toNumber)) {
    if (size < 0) fail(`'${name}' has a negative dimension: ${size}`);
    elements *= size;
  }
  if (elements > FILE_MAX_BYTES) fail(`'${name}' says that it has ${elements} elements`);
}

function signatureOf(model: OnnxModel): { inputs: TensorSpec[]; outputs: TensorSpec[] } {
  const { graph } = model;
  if (graph == null) fail('it holds no graph');
  // Weights may stand among the inputs too (IR 3): those are defaults, not inputs.
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !weights.has(name));
  if (inputs.length === 0) fail('it has no inputs');
  if (graph.output.length === 0) fail('it has no outputs');
  return {
    inputs: inputs.map((value) => specOf(value, 'input')),
    outputs: graph.output.map((value) => specOf(value, 'output')),
  };
}

function specOf({ name, type }: OnnxValueInfo, kind: string): TensorSpec {
  if (name === undefined || name === '') fail(`one ${kind} has no name`);
  if (name.includes('\uFFFD')) fail(`the name of ${kind} '${name}' is not UTF-8`);
  const tensor = type?.tensorType;
  if (tensor == null) fail(`${kind} '${name}' is not a tensor`);
  const datatype = ELEMENT_TYPES[tensor.elemType ?? 0];
  if (datatype === undefined)
    fail(`${kind} '${name}' has element type ${tensor.elemType ?? 0}, which the runtime does not take`);
  const shape = (tensor.shape?.dim ?? []).map((dimension) => {
    const size = symbolOf(dimension) ?? fixedSize(dimension) ?? -1;
    if (typeof size === 'number' && (size < -1 || size > FILE_MAX_BYTES)) {
      fail(`${kind} '${name}' has a dimension of ${size}`);
    }
    return size;
  });
  return { name, datatype, shape };
}

function fail(reason: string): never {
  throw new EdgeError('MODEL_REFUSED', `Cannot accept the model as ${reason}`);
}
