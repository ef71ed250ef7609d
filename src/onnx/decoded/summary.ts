import { domainName, ELEMENT_BITS } from '../mod.js';
import { toNumber, type OnnxModel, type OnnxTensor } from './proto.js';
import { nodesOf, tensorsOf } from './walk.js';

/** What a model is made of. */
export interface ModelSummary {
  readonly producer: string;
  /** Operators with how often they stand in all graphs, most frequent first. */
  readonly operators: readonly { readonly operator: string; readonly count: number }[];
  /** Elements of all weights and constants. */
  readonly parameters: number;
  /** Weights and constants with the bytes that they take, largest first. */
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly sizeBytes: number;
  }[];
}

export function summarizeModel(model: OnnxModel): ModelSummary {
  const counts = new Map<string, number>();
  for (const { domain, opType } of nodesOf(model)) {
    const plain = domainName(domain) === 'ai.onnx';
    const operator = plain ? (opType ?? '') : `${domainName(domain)}:${opType ?? ''}`;
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
  }
  const weights = [...tensorsOf(model)].map((tensor) => ({
    name: tensor.name ?? '',
    shape: tensor.dims.map(toNumber),
    sizeBytes: sizeOf(tensor),
  }));
  return {
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    operators: [...counts]
      .map(([operator, count]) => ({ operator, count }))
      .toSorted((a, b) => b.count - a.count || (a.operator < b.operator ? -1 : 1)),
    parameters: weights.reduce((sum, { shape }) => sum + elementsIn(shape), 0),
    weights: weights.toSorted((a, b) => b.sizeBytes - a.sizeBytes || (a.name < b.name ? -1 : 1)),
  };
}

function sizeOf(tensor: OnnxTensor): number {
  if (tensor.rawData != null && tensor.rawData.length > 0) return tensor.rawData.length;
  const bits = ELEMENT_BITS[tensor.dataType ?? 0] ?? 0;
  return Math.ceil((elementsIn(tensor.dims.map(toNumber)) * bits) / 8);
}

function elementsIn(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
