import { domainName } from '../mod.js';
import type { OnnxModel, OnnxNode } from './proto.js';
import { nodesOf } from './walk.js';

/** Operators that draw random numbers: two runs of a graph with one of them differ. */
const RANDOM_OPERATORS: ReadonlySet<string> = new Set([
  'ai.onnx:Bernoulli',
  'ai.onnx:Multinomial',
  'ai.onnx:RandomNormal',
  'ai.onnx:RandomNormalLike',
  'ai.onnx:RandomUniform',
  'ai.onnx:RandomUniformLike',
  // Where its training mode is on.
  'ai.onnx:Dropout',
  'com.microsoft:BiasDropout',
  'com.microsoft:BitmaskBiasDropout',
  'com.microsoft:BitmaskDropout',
  'com.microsoft:Sampling',
]);
/** Dropout draws only where an input, its third, turns training on. */
const TRAINING_INPUT = 2;

/** The nodes that draw random numbers, as `RandomNormalLike 'noise'`, in inner graphs too. */
export function randomNodes(model: OnnxModel): string[] {
  return [...nodesOf(model)].filter(isRandom).map((node) => {
    const name = node.name !== undefined && node.name !== '' ? node.name : (node.output[0] ?? '');
    return `${node.opType} '${name}'`;
  });
}

function isRandom({ domain, opType, input }: OnnxNode): boolean {
  if (!RANDOM_OPERATORS.has(`${domainName(domain)}:${opType}`)) return false;
  return opType !== 'Dropout' || (input[TRAINING_INPUT] ?? '') !== '';
}
