import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { differenceOf, type Tolerance } from '../../src/model/mod.js';
import { runRepeated, runSession, stateBounds, type SessionResult } from '../engine-child/mod.js';
import type { OutputProof } from './report.js';

const TIMED_RUNS = 30;

export interface Proof {
  readonly engine: string;
  readonly source: { readonly loadMs: number; readonly latencyP50Ms: number };
  readonly compiled: { readonly loadMs: number; readonly latencyP50Ms: number };
  readonly outputs: readonly OutputProof[];
}

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
 * @throws EdgeError FAILED_PRECONDITION (MODEL_NOT_DETERMINISTIC) naming the nodes that draw random numbers
 */
export async function prove(
  source: Subject,
  compiled: Subject,
  tolerance: Tolerance,
  timeoutMs: number,
): Promise<Proof> {
  const truth = await runRepeated({ ...PLAIN, ...taskFor(source) }, timeoutMs);
  const before = await runSession({ ...TIMED, ...taskFor(source) }, timeoutMs);
  const after = await runSession({ ...TIMED, ...taskFor(compiled) }, timeoutMs);
  return {
    engine: truth.engine,
    source: timesOf(before),
    compiled: timesOf(after),
    outputs: compareOutputs(truth.results, after.results, tolerance),
  };
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
    throw new EdgeError('MODEL_CHANGED_BY_COMPILING', `Cannot compile the model as ${outside}`);
  }
  return { engine, source: timesOf(before), compiled: timesOf(after), outputs: [] };
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
    for (const [index, tensors] of expected.entries()) {
      const want = tensors.find((tensor) => tensor.name === name);
      const got = actual[index]?.find((tensor) => tensor.name === name);
      if (want === undefined || got === undefined || want.shape.join() !== got.shape.join()) {
        throw new EdgeError(
          'MODEL_CHANGED_BY_COMPILING',
          `Cannot compile the model as output '${name}' changed its form`,
        );
      }
      const difference = differenceOf(want, got, tolerance);
      elements += difference.elements;
      sum += difference.mean * difference.elements;
      largestDifference = Math.max(largestDifference, difference.largest);
      outsideTolerance += difference.outside;
    }
    // JSON has no infinity; a difference that is none fails the tolerance anyway.
    const finite = Number.isFinite(largestDifference) ? largestDifference : Number.MAX_VALUE;
    const meanDifference = elements === 0 || Number.isNaN(sum) ? 0 : Math.min(sum / elements, finite);
    return { name, elements, largestDifference: finite, meanDifference, outsideTolerance };
  });
}
