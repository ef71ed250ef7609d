import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError, messageOf, toEdgeError } from '../../src/core/mod.js';
import {
  DISTRIBUTION_RUNS,
  mismatchOf,
  parseSamples,
  type Distributions,
  type GoldenSample,
  type TensorSpec,
  type Tolerance,
} from '../../src/model/mod.js';
import { elementsOf } from '../../src/tensor/mod.js';
import { makeInputs } from '../compile/mod.js';
import { runRepeated, stateBounds, type SessionResult } from '../engine-child/mod.js';
import { readBytes as bytesOf } from '../files/mod.js';
import { readGivenTensor } from '../samples/mod.js';
import { readModelYaml, type ModelDescription, type SamplesYaml } from './model-yaml.js';

const SKIP_HINT = 'Correct the samples or the tolerance in model.yaml, or pass --skip-self-test';

/** A sample whose outputs may still be open: the model fills them in. */
export interface DraftSample {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[] | undefined;
}

interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** The samples that a model.yaml gives, by file, by cases or by a seed; none where it says nothing. */
export async function draftSamples(description: ModelDescription, model: Signature): Promise<DraftSample[]> {
  const { samples } = description.yaml;
  if (samples === undefined) return [];
  return [
    ...(samples.file === undefined ? [] : parseSamples(await readBytes(description.resolve(samples.file)))),
    ...(await givenCases(samples, description, model)),
    ...madeCases(samples, model),
  ];
}

async function givenCases(
  samples: SamplesYaml,
  { resolve }: ModelDescription,
  model: Signature,
): Promise<DraftSample[]> {
  const read = (
    part: Readonly<Record<string, unknown>>,
    specs: readonly TensorSpec[],
    field: string,
  ): Promise<Tensor[]> =>
    Promise.all(
      Object.entries(part).map(([name, given]) =>
        readGivenTensor(given, specOf(specs, name, field), `${field}.${name}`, resolve),
      ),
    );
  const drafts: DraftSample[] = [];
  for (const [index, { name, inputs, outputs }] of (samples.cases ?? []).entries()) {
    const field = `samples.cases[${index}]`;
    drafts.push({
      name: name ?? `case ${index + 1}`,
      inputs: await read(inputs, model.inputs, `${field}.inputs`),
      outputs: outputs === undefined ? undefined : await read(outputs, model.outputs, `${field}.outputs`),
    });
  }
  return drafts;
}

function specOf(specs: readonly TensorSpec[], name: string, field: string): TensorSpec {
  const spec = specs.find((candidate) => candidate.name === name);
  if (spec !== undefined) return spec;
  return fail(
    `'${field}.${name}' is not in the model: it has ${specs.map((known) => known.name).join(', ')}`,
  );
}

function madeCases({ make }: SamplesYaml, model: Signature): DraftSample[] {
  if (make === undefined) return [];
  const { count, seed = 1, shapes = {}, values = {}, ranges = {} } = make;
  return makeInputs(model.inputs, { seed, shapes, values, ranges }, count).map((inputs, index) => ({
    name: `made ${index + 1} (seed ${seed})`,
    inputs,
    outputs: undefined,
  }));
}

/**
 * Runs the samples through the model. Open outputs become what the model gives, given ones must be matched.
 * @throws EdgeError FAILED_PRECONDITION naming the sample and the output
 */
export async function runSamples(
  modelFile: string,
  drafts: readonly DraftSample[],
  tolerance: Tolerance,
  timeoutMs: number,
): Promise<{ samples: GoldenSample[] } & Pick<SessionResult, 'engine' | 'inputs' | 'outputs'>> {
  const cases = drafts.map(({ inputs }) => inputs);
  const task = { modelFile, graphOptimization: 'all', cases, timedRuns: 0 } as const;
  const session = await described(() => runRepeated(task, timeoutMs));
  const samples = drafts.map((draft, index) => {
    const actual = session.results[index] ?? [];
    const reason = draft.outputs === undefined ? undefined : mismatchOf(draft.outputs, actual, tolerance);
    if (reason !== undefined) {
      throw new EdgeError(
        'PACKAGE_REFUSED_SAMPLES',
        `Cannot package the model as sample '${draft.name}' fails: ${reason}`,
        {
          field: 'samples',
          nextStep: SKIP_HINT,
        },
      );
    }
    refuseNaN(draft.name, actual);
    return { name: draft.name, inputs: draft.inputs, outputs: draft.outputs ?? actual };
  });
  const { engine, inputs, outputs } = session;
  return { samples, engine, inputs, outputs };
}

/**
 * The same for a model that draws random numbers: samples expect no outputs, and bounds stand beside them.
 * @throws EdgeError FAILED_PRECONDITION naming the output that varies too much to be held to anything
 */
export async function boundSamples(
  modelFile: string,
  drafts: readonly DraftSample[],
  tolerance: Tolerance,
  timeoutMs: number,
): Promise<
  { samples: GoldenSample[]; distributions: Distributions; engine: string } & Partial<
    Pick<SessionResult, 'inputs' | 'outputs'>
  >
> {
  const exact = drafts.find(({ outputs }) => outputs !== undefined && outputs.length > 0);
  if (exact !== undefined) {
    fail(
      `sample '${exact.name}' says its outputs, and 'deterministic: false' says that they vary: leave them out`,
    );
  }
  const cases = drafts.map(({ inputs }) => inputs);
  const task = { modelFile, graphOptimization: 'all', cases, distribution: { tolerance } } as const;
  const { bounds, engine } = await described(() => stateBounds(task, timeoutMs));
  return {
    samples: drafts.map(({ name, inputs }) => ({ name, inputs, outputs: [] })),
    distributions: {
      formatVersion: 1,
      runs: DISTRIBUTION_RUNS,
      cases: drafts.map(({ name }, index) => ({ name, outputs: [...(bounds[index] ?? [])] })),
    },
    engine,
  };
}

async function described<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const { reason, message, nextStep = SKIP_HINT } = toEdgeError(error);
    throw new EdgeError(reason, `Cannot package the model as its samples fail: ${message}`, {
      field: 'samples',
      nextStep,
      cause: error,
    });
  }
}

/** An output that is no number can't be a reference. */
function refuseNaN(sample: string, outputs: readonly Tensor[]): void {
  for (const output of outputs) {
    if (!output.datatype.startsWith('FP') || !Array.prototype.some.call(elementsOf(output), Number.isNaN))
      continue;
    throw new EdgeError(
      'PACKAGE_REFUSED_SAMPLES',
      `Cannot package the model as sample '${sample}' gives NaN in output '${output.name}'`,
      { field: 'samples', nextStep: 'Give inputs for which the model has an answer' },
    );
  }
}

/** Samples that were not run must say what they expect. */
export function untestedSamples(drafts: readonly DraftSample[]): GoldenSample[] {
  return drafts.flatMap(({ name, inputs, outputs }) =>
    outputs === undefined ? [] : [{ name, inputs, outputs }],
  );
}

/** The inputs of a samples file, or of what a model.yaml says under `samples`: one set a case. */
export async function readSampleInputs(path: string, model: Signature): Promise<(readonly Tensor[])[]> {
  if (!/\.ya?ml$/i.test(path)) return parseSamples(await readBytes(path)).map(({ inputs }) => inputs);
  const drafts = await draftSamples(await readModelYaml(path), model);
  if (drafts.length === 0) fail(`${path} says nothing under 'samples'`);
  return drafts.map(({ inputs }) => inputs);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await bytesOf(path));
  } catch (error) {
    return fail(messageOf(error), error);
  }
}

function fail(reason: string, cause?: unknown): never {
  throw new EdgeError('SAMPLES_INVALID', `Cannot read the samples as ${reason}`, {
    field: 'samples',
    nextStep: 'Every form of a sample stands in docs/models.md',
    cause,
  });
}
