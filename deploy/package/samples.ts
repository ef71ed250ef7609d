import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError, messageOf, toEdgeError } from '../../src/core/mod.js';
import {
  mismatchOf,
  parseSamples,
  type GoldenSample,
  type TensorSpec,
  type Tolerance,
} from '../../src/model/mod.js';
import { fill, makeInputs } from '../compile/mod.js';
import { runSession, type SessionResult, type SessionTask } from '../engine-child/mod.js';
import { readBytes as bytesOf } from '../files/mod.js';
import type { GivenTensorYaml, ModelDescription, SamplesYaml } from './model-yaml.js';
import { parseNpy } from './npy.js';

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
  description: ModelDescription,
  model: Signature,
): Promise<DraftSample[]> {
  const drafts: DraftSample[] = [];
  for (const [index, given] of (samples.cases ?? []).entries()) {
    const read = (part: Record<string, GivenTensorYaml>, specs: readonly TensorSpec[]): Promise<Tensor[]> =>
      Promise.all(Object.entries(part).map(([name, value]) => readTensor(name, value, specs, description)));
    drafts.push({
      name: given.name ?? `case ${index + 1}`,
      inputs: await read(given.inputs, model.inputs),
      outputs: given.outputs === undefined ? undefined : await read(given.outputs, model.outputs),
    });
  }
  return drafts;
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

async function readTensor(
  name: string,
  given: GivenTensorYaml,
  specs: readonly TensorSpec[],
  description: ModelDescription,
): Promise<Tensor> {
  if ('npy' in given) return parseNpy(name, await readBytes(description.resolve(given.npy)));
  const spec = specs.find((candidate) => candidate.name === name);
  if (spec === undefined)
    fail(`'${name}' is not in the model: it has ${specs.map((known) => known.name).join(', ')}`);
  const shape = given.shape ?? spec.shape.map((size) => (typeof size === 'string' || size < 0 ? 1 : size));
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements !== given.data.length) {
    fail(`'${name}' must hold ${elements} numbers for its shape: it holds ${given.data.length}`);
  }
  let at = 0;
  return {
    name,
    datatype: spec.datatype,
    shape,
    data: fill(spec.datatype, elements, () => given.data[at++] ?? 0),
  };
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
): Promise<{ samples: GoldenSample[]; engine: string }> {
  const cases = drafts.map(({ inputs }) => inputs);
  const session = await runCases({ modelFile, graphOptimization: 'all', cases, timedRuns: 0 }, timeoutMs);
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
  return { samples, engine: session.engine };
}

async function runCases(task: SessionTask, timeoutMs: number): Promise<SessionResult> {
  try {
    return await runSession(task, timeoutMs);
  } catch (error) {
    const { reason, message } = toEdgeError(error);
    throw new EdgeError(reason, `Cannot package the model as its samples fail: ${message}`, {
      field: 'samples',
      nextStep: SKIP_HINT,
      cause: error,
    });
  }
}

/** An output that is no number can't be a reference. */
function refuseNaN(sample: string, outputs: readonly Tensor[]): void {
  for (const output of outputs) {
    if (output.datatype !== 'FP32' && output.datatype !== 'FP64') continue;
    const view = new DataView(output.data.buffer, output.data.byteOffset, output.data.byteLength);
    const size = output.datatype === 'FP32' ? 4 : 8;
    for (let at = 0; at + size <= view.byteLength; at += size) {
      const value = size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
      if (Number.isNaN(value)) {
        throw new EdgeError(
          'PACKAGE_REFUSED_SAMPLES',
          `Cannot package the model as sample '${sample}' gives NaN in output '${output.name}'`,
        );
      }
    }
  }
}

/** Samples that were not run must say what they expect. */
export function untestedSamples(drafts: readonly DraftSample[]): GoldenSample[] {
  return drafts.flatMap(({ name, inputs, outputs }) =>
    outputs === undefined ? [] : [{ name, inputs, outputs }],
  );
}

/** The inputs of a samples file, one set a case. */
export async function readSampleInputs(path: string): Promise<(readonly Tensor[])[]> {
  return parseSamples(await readBytes(path)).map(({ inputs }) => inputs);
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
    cause,
  });
}
