import type { Tensor } from '../../src/contract/mod.js';
import { elementsOf } from '../../src/tensor/mod.js';

/** Rows along the last axis, and in how many the largest element is the same one: what a classifier answers. */
export interface Top1 {
  readonly rows: number;
  readonly agreeing: number;
}

/** Undefined where the last axis has nothing to choose from, or elements are no fractions. */
export function top1Of(expected: Tensor, actual: Tensor): Top1 | undefined {
  const classes = expected.shape.at(-1) ?? 1;
  if (classes < 2 || !expected.datatype.startsWith('FP')) return undefined;
  const want = elementsOf(expected);
  const got = elementsOf(actual);
  const rows = want.length / classes;
  let agreeing = 0;
  for (let row = 0; row < rows; row++) {
    if (largestOf(want, row * classes, classes) === largestOf(got, row * classes, classes)) agreeing++;
  }
  return { rows, agreeing };
}

function largestOf(elements: ArrayLike<number | bigint>, from: number, count: number): number {
  let best = from;
  for (let at = from + 1; at < from + count; at++) {
    if (Number(elements[at]) > Number(elements[best])) best = at;
  }
  return best;
}
