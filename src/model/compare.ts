import type { Tensor } from '../contract/mod.js';
import { elementsOf } from '../tensor/mod.js';
import type { Tolerance } from './manifest-schema.js';

/** How far two tensors, or two lists of them, are apart. */
export interface Difference {
  readonly largest: number;
  readonly mean: number;
  /** Elements outside the tolerance; for BYTES, bytes that differ. */
  readonly outside: number;
  readonly elements: number;
}

/** The first reason why outputs are not as expected, or undefined where all are within the tolerance. */
export function mismatchOf(
  expected: readonly Tensor[],
  actual: readonly Tensor[],
  tolerance: Tolerance,
): string | undefined {
  for (const want of expected) {
    const got = actual.find(({ name }) => name === want.name);
    if (got === undefined) return `output '${want.name}' is missing`;
    const form = formMismatch(want, got);
    if (form !== undefined) return form;
    const { outside, largest, elements } = differenceOf(want, got, tolerance);
    if (outside > 0) {
      return `output '${want.name}' differs in ${outside} of ${elements} elements: largest difference ${largest.toPrecision(3)}, allowed ${tolerance.absolute} + ${tolerance.relative} × |expected|`;
    }
  }
  return undefined;
}

function formMismatch(want: Tensor, got: Tensor): string | undefined {
  if (want.datatype !== got.datatype) {
    return `output '${want.name}' must be ${want.datatype}: current type is ${got.datatype}`;
  }
  if (want.shape.join() !== got.shape.join()) {
    return `output '${want.name}' must have shape [${want.shape.join(', ')}]: current shape is [${got.shape.join(', ')}]`;
  }
  return undefined;
}

/** Element by element; shapes and types must be equal. NaN equals NaN only, an infinity only itself. */
export function differenceOf(expected: Tensor, actual: Tensor, tolerance: Tolerance): Difference {
  const want = elementsOf(expected);
  const got = elementsOf(actual);
  let largest = 0;
  let sum = 0;
  let outside = want.length === got.length ? 0 : Math.abs(want.length - got.length);
  for (let index = 0; index < Math.min(want.length, got.length); index++) {
    const a = want[index] ?? 0;
    const b = got[index] ?? 0;
    const gap = gapOf(a, b);
    // A comparison with NaN is false, so NaN counts as outside.
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(Number(a));
    if (gap !== 0 && !(gap <= allowed && gap !== Infinity)) outside++;
    largest = Number.isNaN(gap) ? Infinity : Math.max(largest, gap);
    sum += gap;
  }
  return { largest, mean: want.length === 0 ? 0 : sum / want.length, outside, elements: want.length };
}

function gapOf(a: number | bigint, b: number | bigint): number {
  if (Object.is(a, b) || a === b) return 0;
  // As numbers, two large neighbours would be equal.
  if (typeof a === 'bigint' && typeof b === 'bigint') return Math.abs(Number(a - b));
  return Math.abs(Number(a) - Number(b));
}
