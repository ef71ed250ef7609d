import type { Tensor } from '../../src/contract/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { bytesOfValues, elementCount, type Value } from '../../src/tensor/mod.js';
import { refused } from './refused.js';

/** Values in row-major order, with the shape that their nesting gives; `[]` for a value alone. */
export interface ListedValues {
  readonly values: readonly Value[];
  readonly shape: readonly number[];
}

/**
 * A value, a list, or lists in lists of equal length.
 * @throws EdgeError INVALID_ARGUMENT naming the place
 */
export function listedValues(data: unknown, field: string, nextStep?: string): ListedValues {
  const values: Value[] = [];
  const shape: number[] = [];
  for (let inner: unknown = data; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const walk = (part: unknown, depth: number, at: string): void => {
    if (depth === shape.length) {
      if (typeof part !== 'number' && typeof part !== 'string' && typeof part !== 'boolean') {
        throw refused(
          `'${at}' must be a number, true, false or a string: current value is ${JSON.stringify(part)}`,
          at,
          nextStep,
        );
      }
      values.push(part);
      return;
    }
    if (!Array.isArray(part) || part.length !== shape[depth]) {
      const current = Array.isArray(part) ? `${part.length} elements` : JSON.stringify(part);
      throw refused(
        `'${at}' must be a list of ${shape[depth]} elements, as the ones before it: it is ${current}`,
        at,
        nextStep,
      );
    }
    for (const [index, item] of part.entries()) walk(item, depth + 1, `${at}[${index}]`);
  };
  walk(data, 0, field);
  return { values, shape };
}

/**
 * The shape of `count` values for an input: its own, with 1 for what is open; of one open dimension that does not
 * come out even, what is left for it.
 */
export function openShape({ shape }: TensorSpec, count: number): number[] {
  const sizes = shape.map((size) => (typeof size === 'string' || size < 0 ? undefined : size));
  const known = sizes.reduce<number>((product, size) => product * (size ?? 1), 1);
  const open = sizes.filter((size) => size === undefined).length;
  const rest = open === 1 && known > 0 && count % known === 0 ? count / known : 1;
  return sizes.map((size) => size ?? rest);
}

/** A tensor of the input's type. @throws EdgeError INVALID_ARGUMENT naming the element that does not fit */
export function tensorOf(
  { name, datatype }: TensorSpec,
  values: readonly Value[],
  shape: readonly number[],
  field: string,
): Tensor {
  const count = elementCount(shape, `${field}.shape`);
  if (values.length !== count) {
    throw refused(
      `'${field}' must hold ${count} values for the shape [${shape.join(', ')}]: it holds ${values.length}`,
      field,
      'Give a shape, or values for the whole input',
    );
  }
  return { name, datatype, shape: [...shape], data: bytesOfValues(datatype, values, count, field) };
}
