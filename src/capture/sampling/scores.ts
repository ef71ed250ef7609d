import type { TensorValues } from './tensor-values.js';

export type Activation = 'none' | 'softmax' | 'sigmoid';

/** What one row of class scores says. Probabilities; entropy in parts of its maximum. */
export interface RowScores {
  readonly bestClass: number;
  readonly confidence: number;
  readonly margin: number;
  readonly entropy: number;
}

/**
 * Reads `classes` scores from `start`. One score stands for two classes, `1 - p` and `p`.
 * @returns undefined where a score is not finite, or is no probability with activation `none`: there is
 * nothing to be confident about, and the non-finite policy says so
 */
export function rowScores(
  values: TensorValues,
  start: number,
  classes: number,
  activation: Activation,
): RowScores | undefined {
  const single = classes === 1;
  const size = single ? 2 : classes;
  const shift = activation === 'softmax' && !single ? largest(values, start, classes) : 0;
  let total = 0;
  for (let index = 0; index < size; index++) {
    const part = weight(values, start, index, single, activation, shift);
    if (!Number.isFinite(part) || part < -1e-4) return undefined;
    total += part;
  }
  if (total <= 0) return undefined;
  let best = -1;
  let second = -1;
  let bestClass = 0;
  let entropy = 0;
  for (let index = 0; index < size; index++) {
    const part = Math.max(0, weight(values, start, index, single, activation, shift)) / total;
    if (part > best) {
      second = best;
      best = part;
      bestClass = index;
    } else if (part > second) second = part;
    if (part > 0) entropy -= part * Math.log(part);
  }
  return { bestClass, confidence: best, margin: best - second, entropy: entropy / Math.log(size) };
}

/** One class's share before division by the row's sum, computed twice rather than kept: no allocation. */
function weight(
  values: TensorValues,
  start: number,
  index: number,
  single: boolean,
  activation: Activation,
  shift: number,
): number {
  if (single) {
    const raw = values.at(start);
    const positive = activation === 'none' ? raw : sigmoid(raw);
    return index === 1 ? positive : 1 - positive;
  }
  const raw = values.at(start + index);
  if (activation === 'softmax') return Math.exp(raw - shift);
  return activation === 'sigmoid' ? sigmoid(raw) : raw;
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

function largest(values: TensorValues, start: number, count: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < count; index++) max = Math.max(max, values.at(start + index));
  return max;
}
