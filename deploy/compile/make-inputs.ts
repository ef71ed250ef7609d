import type { Datatype, Tensor } from '../../src/contract/mod.js';
import { EdgeError, SeededRandom } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { bytesOf, valueOfText, type Value } from '../../src/tensor/mod.js';

/** How inputs are made from a seed where no real ones are given. */
export interface InputRecipe {
  readonly seed: number;
  /** Shapes of inputs with open dimensions; an open dimension without one counts as 1. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Inputs that hold one value throughout, such as a sampling rate; as text where it comes from a command line. */
  readonly values: Readonly<Record<string, Value>>;
  /** Range of random values by input; default -1 to 1, whole numbers 0 to 9; texts are such whole numbers. */
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
        { field: `${what}.${stranger}`, nextStep: 'Name inputs as they stand there' },
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
  const [field, valueAt] = drawFor(spec, recipe, random);
  return { name, datatype, shape, data: bytesOf(datatype, elements, valueAt, field) };
}

/** Where an input's values come from, and which part of the recipe they are. */
function drawFor(
  { name, datatype }: TensorSpec,
  recipe: InputRecipe,
  random: SeededRandom,
): [field: string, valueAt: () => Value] {
  const given = recipe.values[name];
  if (given !== undefined) {
    const value = typeof given === 'string' ? valueOfText(datatype, given) : given;
    return [`values.${name}`, () => value];
  }
  const isWhole = !datatype.startsWith('FP');
  const [low, high] = recipe.ranges[name] ?? defaultRange(datatype);
  const draw = (): number => low + (high - low) * random.fraction();
  const valueAt = (): Value => {
    if (!isWhole) return draw();
    const whole = Math.floor(draw());
    return datatype === 'BYTES' ? String(whole) : whole;
  };
  return [`ranges.${name}`, valueAt];
}

function defaultRange(datatype: Datatype): readonly [number, number] {
  if (datatype === 'BOOL') return [0, 2];
  return datatype.startsWith('FP') ? [-1, 1] : [0, 10];
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
      {
        field: `shapes.${spec.name}`,
        nextStep: 'Give sizes for the open dimensions, and the others as they are',
      },
    );
  }
  return [...given];
}
