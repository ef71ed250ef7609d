import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { elementsOf } from '../../src/tensor/mod.js';
import { differenceOf, type Tolerance } from '../../src/model/mod.js';
import { runRepeated, runSession, stateBounds, type SessionResult } from '../engine-child/mod.js';
import type { OutputProof } from './report.js';
import { top1Of } from './top1.js';

const AS_IT_IS = 'Package the model as it is, and let us know of it';

const TIMED_RUNS = 30;

export interface Proof {
  readonly engine: string;
  readonly source: { readonly loadMs: number; readonly latencyP50Ms: number };
  readonly compiled: { readonly loadMs: number; readonly latencyP50Ms: number };
  readonly tolerance: Tolerance;
  readonly outputs: readonly OutputProof[];
}

/** Of the largest output, what a model may differ by whose numbers were made coarser on purpose. */
const LOSSY_SHARE = 0.1;

/** A model with inputs. */
export interface Subject {
  readonly file: string;
  readonly cases: readonly (readonly Tensor[])[];
}

const taskFor = ({ file, cases }: Subject) => ({ modelFile: file, cases });
const PLAIN = { timedRuns: 0, graphOptimization: 'disabled' } as const;
const TIMED = { timedRuns: TIMED_RUNS, graphOptimization: 'all' } as const;

/**
 * Runs the same inputs through both models (to the source as they are, or prepared outside where that is within the
 * compiled one). The truth is the source without any optimisation; times are of both
 * as a device would load them.
 * @param tolerance undefined: a tenth of the largest output, for a model whose numbers were made coarser on purpose
 * @throws EdgeError FAILED_PRECONDITION (MODEL_NOT_DETERMINISTIC) naming the nodes that draw random numbers
 */
export async function prove(
  source: Subject,
  compiled: Subject,
  tolerance: Tolerance | undefined,
  timeoutMs: number,
): Promise<Proof> {
  const truth = await runRepeated({ ...PLAIN, ...taskFor(source) }, timeoutMs);
  const before = await runSession({ ...TIMED, ...taskFor(source) }, timeoutMs);
  const after = await runSession({ ...TIMED, ...taskFor(compiled) }, timeoutMs);
  const allowed = tolerance ?? lossyTolerance(truth.results);
  return {
    engine: truth.engine,
    source: timesOf(before),
    compiled: timesOf(after),
    tolerance: allowed,
    outputs: compareOutputs(truth.results, after.results, allowed),
  };
}

function lossyTolerance(results: readonly (readonly Tensor[])[]): Tolerance {
  let largest = 0;
  for (const output of results.flat()) {
    if (!output.datatype.startsWith('FP')) continue;
    for (const value of Array.from(elementsOf(output), Number)) {
      if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
    }
  }
  return { absolute: LOSSY_SHARE * largest, relative: LOSSY_SHARE };
}

/**
 * The same for a model that draws random numbers: the compiled one keeps to the bounds that many runs of the source
 * state.
 */
export async function proveBounds(
  source: Subject,
  compiled: Subject,
  tolerance: Tolerance,
  timeoutMs: number,
): Promise<Proof> {
  const task = { ...PLAIN, ...taskFor(source), distribution: { tolerance } };
  const { bounds: held, engine } = await stateBounds(task, timeoutMs);
  const before = await runSession({ ...TIMED, ...taskFor(source) }, timeoutMs);
  const distribution = { tolerance, held };
  const after = await runSession({ ...TIMED, ...taskFor(compiled), distribution }, timeoutMs);
  const outside = after.distribution?.outside.find((reason) => reason !== undefined);
  if (outside !== undefined) {
    throw new EdgeError('MODEL_CHANGED_BY_COMPILING', `Cannot compile the model as ${outside}`, {
      nextStep: AS_IT_IS,
    });
  }
  return { engine, source: timesOf(before), compiled: timesOf(after), tolerance, outputs: [] };
}

function timesOf({ loadMs, latencyP50Ms }: SessionResult): { loadMs: number; latencyP50Ms: number } {
  return { loadMs, latencyP50Ms: latencyP50Ms ?? 0 };
}

function compareOutputs(
  expected: readonly (readonly Tensor[])[],
  actual: readonly (readonly Tensor[])[],
  tolerance: Tolerance,
): OutputProof[] {
  const names = expected[0]?.map(({ name }) => name) ?? [];
  return names.map((name) => {
    let elements = 0;
    let sum = 0;
    let largestDifference = 0;
    let outsideTolerance = 0;
    const top1 = { rows: 0, agreeing: 0 };
    for (const [index, tensors] of expected.entries()) {
      const want = tensors.find((tensor) => tensor.name === name);
      const got = actual[index]?.find((tensor) => tensor.name === name);
      if (want === undefined || got === undefined || want.shape.join() !== got.shape.join()) {
        throw new EdgeError(
          'MODEL_CHANGED_BY_COMPILING',
          `Cannot compile the model as output '${name}' changed its form`,
          { nextStep: AS_IT_IS },
        );
      }
      const difference = differenceOf(want, got, tolerance);
      elements += difference.elements;
      sum += difference.mean * difference.elements;
      largestDifference = Math.max(largestDifference, difference.largest);
      outsideTolerance += difference.outside;
      const agreement = top1Of(want, got);
      top1.rows += agreement?.rows ?? 0;
      top1.agreeing += agreement?.agreeing ?? 0;
    }
    // JSON has no infinity; a difference that is none fails the tolerance anyway.
    const finite = Number.isFinite(largestDifference) ? largestDifference : Number.MAX_VALUE;
    const meanDifference = elements === 0 || Number.isNaN(sum) ? 0 : Math.min(sum / elements, finite);
    const top1Agreement = top1.rows === 0 ? {} : { top1Agreement: top1.agreeing / top1.rows };
    return { name, elements, largestDifference: finite, meanDifference, outsideTolerance, ...top1Agreement };
  });
}
