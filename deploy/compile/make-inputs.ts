import { ELEMENT_BYTES, type Datatype, type Tensor } from '../../src/contract/mod.js';
import { EdgeError, SeededRandom } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';

/** How inputs are made from a seed where no real ones are given. */
export interface InputRecipe {
  readonly seed: number;
  /** Shapes of inputs with open dimensions; an open dimension without one counts as 1. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Inputs that hold one value throughout, such as a sampling rate. */
  readonly values: Readonly<Record<string, number>>;
  /** Range of random values by input; default -1 to 1, whole numbers 0 to 9. */
  readonly ranges: Readonly<Record<string, readonly [number, number]>>;
}

export const plainInputs: InputRecipe = { seed: 1, shapes: {}, values: {}, ranges: {} };

/** `count` sets of inputs; the same recipe gives the same bytes everywhere. */
export function makeInputs(specs: readonly TensorSpec[], recipe: InputRecipe, count: number): Tensor[][] {
  for (const [what, named] of Object.entries({
    shapes: recipe.shapes,
    values: recipe.values,
    ranges: recipe.ranges,
  })) {
    const stranger = Object.keys(named).find((name) => !specs.some((spec) => spec.name === name));
    if (stranger !== undefined) {
      throw new EdgeError(
        'SAMPLES_INVALID',
        `Cannot make inputs as '${stranger}' is not an input of the model: it has ${specs.map(({ name }) => name).join(', ')}`,
        { field: `${what}.${stranger}` },
      );
    }
  }
  const random = new SeededRandom(recipe.seed);
  return Array.from({ length: count }, () => specs.map((spec) => makeTensor(spec, recipe, random)));
}

function makeTensor(spec: TensorSpec, recipe: InputRecipe, random: SeededRandom): Tensor {
  const { name, datatype } = spec;
  const shape = shapeFor(spec, recipe.shapes[name]);
  const elements = shape.reduce((product, size) => product * size, 1);
  const whole = !datatype.startsWith('FP');
  const [low, high] = recipe.ranges[name] ?? (datatype === 'BOOL' ? [0, 2] : whole ? [0, 10] : [-1, 1]);
  const value = recipe.values[name];
  const draw = (): number => {
    if (value !== undefined) return value;
    const drawn = low + (high - low) * random.fraction();
    return whole ? Math.floor(drawn) : drawn;
  };
  return { name, datatype, shape, data: fill(datatype, elements, draw) };
}

function shapeFor(spec: TensorSpec, given: readonly number[] | undefined): number[] {
  if (given === undefined) return spec.shape.map((size) => (typeof size === 'string' || size < 0 ? 1 : size));
  const fits =
    given.length === spec.shape.length &&
    spec.shape.every((size, axis) => typeof size === 'string' || size < 0 || size === given[axis]);
  if (!fits) {
    throw new EdgeError(
      'SAMPLES_INVALID',
      `Cannot make input '${spec.name}' as its shape must fit [${spec.shape.join(', ')}]: current shape is [${given.join(', ')}]`,
      { field: `shapes.${spec.name}` },
    );
  }
  return [...given];
}

/** Little-endian bytes of `elements` numbers. */
export function fill(datatype: Datatype, elements: number, next: () => number): Uint8Array {
  const data = new Uint8Array(elements * ELEMENT_BYTES[datatype]);
  const view = new DataView(data.buffer);
  const write = WRITERS[datatype];
  if (write === undefined) {
    throw new EdgeError(
      'DATATYPE_UNSUPPORTED',
      `Cannot make values of type ${datatype}: give samples in a file`,
    );
  }
  for (let index = 0; index < elements; index++) write(view, index, next());
  return data;
}

const WRITERS: Partial<Record<Datatype, (view: DataView, index: number, value: number) => void>> = {
  BOOL: (view, index, value) => view.setUint8(index, value),
  UINT8: (view, index, value) => view.setUint8(index, value),
  INT8: (view, index, value) => view.setInt8(index, value),
  UINT16: (view, index, value) => view.setUint16(index * 2, value, true),
  INT16: (view, index, value) => view.setInt16(index * 2, value, true),
  UINT32: (view, index, value) => view.setUint32(index * 4, value, true),
  INT32: (view, index, value) => view.setInt32(index * 4, value, true),
  UINT64: (view, index, value) => view.setBigUint64(index * 8, BigInt(value), true),
  INT64: (view, index, value) => view.setBigInt64(index * 8, BigInt(value), true),
  FP32: (view, index, value) => view.setFloat32(index * 4, value, true),
  FP64: (view, index, value) => view.setFloat64(index * 8, value, true),
};
