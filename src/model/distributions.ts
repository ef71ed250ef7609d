import { Type, type Static } from '@sinclair/typebox';
import { DATATYPES, MAX_TENSOR_NAME_CHARS, type Datatype, type Tensor } from '../contract/mod.js';
import { canonicalJson, EdgeError, messageOf, validate } from '../core/mod.js';
import { elementsOf } from '../tensor/mod.js';
import type { Tolerance } from './manifest-schema.js';

/** How often each sample of a model that draws random numbers is run, to state its bounds and to hold it to them. */
export const DISTRIBUTION_RUNS = 32;
/**
 * What a model that draws random numbers gives for its golden samples. A file of its own beside samples.json, whose
 * samples then expect no outputs: an agent that does not know it runs them, and holds them to nothing.
 */
export const DISTRIBUTIONS_FILE = 'sample-distributions.json';

/** Two means of 32 runs each lie closer than so many standard errors of their difference. */
const MEAN_ERRORS = 6;
/** The spread of 32 runs is known to this factor, of one number as of thousands. */
const SPREAD_FACTOR = 4;
const ACTION = 'Cannot read the samples’ distributions';

const strict = { additionalProperties: false } as const;
const Interval = Type.Tuple([Type.Number(), Type.Number()]);
const OutputBoundsSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: MAX_TENSOR_NAME_CHARS }),
    datatype: Type.Unsafe<Datatype>(Type.String({ enum: [...DATATYPES] })),
    /** -1 where runs differ in a dimension. */
    shape: Type.Array(Type.Integer({ minimum: -1 })),
    /** Every element of every run is a number and no infinity. */
    finite: Type.Boolean(),
    /** Of all elements of all runs; absent for texts and where not all are finite. */
    mean: Type.Optional(Interval),
    /** Their standard deviation. */
    spread: Type.Optional(Interval),
  },
  strict,
);
export type OutputBounds = Static<typeof OutputBoundsSchema>;

const DistributionsSchema = Type.Object(
  {
    formatVersion: Type.Literal(1),
    runs: Type.Integer({ minimum: 2, maximum: 1000 }),
    cases: Type.Array(
      Type.Object({ name: Type.String({ minLength: 1 }), outputs: Type.Array(OutputBoundsSchema) }, strict),
      { minItems: 1 },
    ),
  },
  strict,
);
export type Distributions = Static<typeof DistributionsSchema>;

export function encodeDistributions(distributions: Distributions): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(validate(DistributionsSchema, distributions, ACTION))}\n`);
}

/** @throws EdgeError INVALID_ARGUMENT naming the field */
export function parseDistributions(bytes: Uint8Array): Distributions {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EdgeError('SAMPLES_INVALID', `${ACTION} as they are not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return validate(DistributionsSchema, parsed, ACTION);
}

/** What one output was over some runs of one sample. Keeps sums, and no run. */
export class OutputTally {
  readonly name: string;
  readonly #datatype: Datatype;
  readonly #shape: number[];
  readonly #means: number[] = [];
  #finite = true;
  #count = 0;
  #mean = 0;
  /** Sum of squared distances from the mean. */
  #squares = 0;

  /** @param first the output of the first run, which is not counted yet */
  constructor(first: Tensor) {
    this.name = first.name;
    this.#datatype = first.datatype;
    this.#shape = [...first.shape];
  }

  /** @returns why it is not the output of the runs before, where its type or rank is another */
  add(output: Tensor): string | undefined {
    const { name, datatype, shape } = output;
    if (datatype !== this.#datatype)
      return `output '${name}' is ${datatype}, and ${this.#datatype} in runs before`;
    if (shape.length !== this.#shape.length) {
      return `output '${name}' has rank ${shape.length}, and ${this.#shape.length} in runs before`;
    }
    for (const [axis, size] of shape.entries()) if (this.#shape[axis] !== size) this.#shape[axis] = -1;
    if (datatype !== 'BYTES') this.#addElements(output);
    return undefined;
  }

  get mean(): number {
    return this.#mean;
  }

  get spread(): number {
    return Math.sqrt(this.#squares / Math.max(this.#count, 1));
  }

  /** Bounds that another {@link DISTRIBUTION_RUNS} runs of the same model keep, but for the tolerance of rounding. */
  bounds({ absolute, relative }: Tolerance): OutputBounds {
    const form = { name: this.name, datatype: this.#datatype, shape: [...this.#shape], finite: this.#finite };
    if (!this.#finite || this.#count === 0) return form;
    const allowed = absolute + relative * Math.abs(this.#mean);
    const error = MEAN_ERRORS * deviation(this.#means) * Math.sqrt(2 / Math.max(this.#means.length, 1));
    return {
      ...form,
      mean: [this.#mean - error - allowed, this.#mean + error + allowed],
      spread: [Math.max(0, this.spread / SPREAD_FACTOR - allowed), this.spread * SPREAD_FACTOR + allowed],
    };
  }

  /** The first bound that these runs do not keep, or undefined. */
  outside(bounds: OutputBounds): string | undefined {
    const { name, datatype, shape, finite, mean, spread } = bounds;
    if (datatype !== this.#datatype)
      return `output '${name}' must be ${datatype}: current type is ${this.#datatype}`;
    if (!fits(shape, this.#shape)) {
      return `output '${name}' must have the shape [${shape.join(', ')}]: current shape is [${this.#shape.join(', ')}]`;
    }
    if (finite && !this.#finite) return `output '${name}' must be finite: it holds NaN or an infinity`;
    return (
      beyond(`the mean of output '${name}'`, this.#mean, mean) ??
      beyond(`the spread of output '${name}'`, this.spread, spread)
    );
  }

  #addElements(output: Tensor): void {
    const elements = elementsOf(output);
    let sum = 0;
    for (let index = 0; index < elements.length; index++) {
      const value = Number(elements[index]);
      if (!Number.isFinite(value)) this.#finite = false;
      sum += value;
      this.#count += 1;
      const distance = value - this.#mean;
      this.#mean += distance / this.#count;
      this.#squares += distance * (value - this.#mean);
    }
    if (elements.length > 0) this.#means.push(sum / elements.length);
  }
}

/** Runs one sample {@link DISTRIBUTION_RUNS} times. @throws EdgeError where an output changes its type or rank */
export async function tallyRuns(run: () => Promise<readonly Tensor[]>): Promise<OutputTally[]> {
  const first = await run();
  const tallies = first.map((output) => new OutputTally(output));
  for (let count = 0; count < DISTRIBUTION_RUNS; count++) {
    const outputs = count === 0 ? first : await run();
    for (const [index, tally] of tallies.entries()) {
      const output = outputs[index];
      const changed = output === undefined ? `output '${tally.name}' is missing` : tally.add(output);
      if (changed !== undefined)
        throw new EdgeError('MODEL_NOT_DETERMINISTIC', `Cannot describe the model as ${changed}`);
    }
  }
  return tallies;
}

/** The first bound that the outputs of a sample do not keep, or undefined. */
export function outsideOf(
  tallies: readonly OutputTally[],
  bounds: readonly OutputBounds[],
): string | undefined {
  for (const wanted of bounds) {
    const tally = tallies.find(({ name }) => name === wanted.name);
    const reason = tally === undefined ? `output '${wanted.name}' is missing` : tally.outside(wanted);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Bounds that hold what either of two allows; of one output, stated by two processes. */
export function widest(one: OutputBounds, other: OutputBounds): OutputBounds {
  const { mean, spread, ...form } = one;
  return {
    ...form,
    shape: one.shape.map((size, axis) => (size === other.shape[axis] ? size : -1)),
    finite: one.finite && other.finite,
    ...(mean === undefined || other.mean === undefined ? {} : { mean: around(mean, other.mean) }),
    ...(spread === undefined || other.spread === undefined ? {} : { spread: around(spread, other.spread) }),
  };
}

type Pair = [number, number];

function around(one: Pair, other: Pair): Pair {
  return [Math.min(one[0], other[0]), Math.max(one[1], other[1])];
}

function beyond(what: string, value: number, bounds: Pair | undefined): string | undefined {
  if (bounds === undefined || (value >= bounds[0] && value <= bounds[1])) return undefined;
  const [low, high] = bounds.map((bound) => bound.toPrecision(4));
  return `${what} must be from ${low} to ${high} over ${DISTRIBUTION_RUNS} runs: current value is ${value.toPrecision(4)}`;
}

function fits(wanted: readonly number[], shape: readonly number[]): boolean {
  return wanted.length === shape.length && wanted.every((size, axis) => size < 0 || size === shape[axis]);
}

/** Standard deviation of a few numbers, as of a sample. */
function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(values.length - 1, 1));
}
