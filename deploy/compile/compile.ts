import type { Tensor } from '../../src/contract/mod.js';
import { canonicalJson, EdgeError } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { replaceFile, sha256Hex, type Target, type Tolerance } from '../../src/model/mod.js';
import { checkModelBytes } from '../../src/onnx/mod.js';
import { withScratch, writeBytes } from '../files/mod.js';
import { makeInputs, type InputRecipe } from './make-inputs.js';
import { fixDimensionsPass, optimisePass, travelLevel, type Pass } from './passes.js';
import { prove, type Proof } from './prove.js';
import { readModel, type SourceModel } from './read-model.js';
import type { CompileReport } from './report.js';

export interface CompileOptions {
  readonly modelFile: string;
  readonly outFile: string;
  readonly reportFile: string;
  readonly target: Target;
  /** Sizes for open dimensions, by symbol or `input.axis`. */
  readonly dimensions: Readonly<Record<string, number>>;
  readonly tolerance: Tolerance;
  /** How the proof's random inputs are made. */
  readonly inputs: InputRecipe;
  readonly randomCases: number;
  /** Real inputs, proved beside the random ones. */
  readonly goldenCases?: readonly (readonly Tensor[])[];
  /** For each process that runs the model. */
  readonly timeoutMs: number;
  /** Passes after our own, such as a quantisation. */
  readonly extraPasses?: readonly Pass[];
}

/** Largest difference that rounding alone may make. */
export const DEFAULT_TOLERANCE = { absolute: 1e-4, relative: 1e-3 } as const satisfies Tolerance;

/**
 * Compiles a model and proves the result: nothing is written unless the same inputs gave the same outputs.
 * @throws EdgeError FAILED_PRECONDITION where the outputs differ, the model is refused, or it crashes the runtime
 */
export async function compileModel(options: CompileOptions): Promise<CompileReport> {
  const source = await readModel(options.modelFile);
  return withScratch('edge-manager-compile-', async (scratch) => {
    const passes = passesFor(options);
    let bytes = source.bytes;
    for (const pass of passes) bytes = await pass.run(bytes, { scratch, timeoutMs: options.timeoutMs });
    const report = await proveResult(options, source, bytes, passes, scratch);
    refuseDifference(report);
    await replaceFile(options.outFile, bytes);
    await replaceFile(options.reportFile, Buffer.from(`${canonicalJson(report, 2)}\n`));
    return report;
  });
}

function passesFor({ dimensions, target, extraPasses = [] }: CompileOptions): Pass[] {
  const fix = Object.keys(dimensions).length === 0 ? [] : [fixDimensionsPass(dimensions)];
  return [...fix, optimisePass(travelLevel(target)), ...extraPasses];
}

async function proveResult(
  options: CompileOptions,
  source: SourceModel,
  compiled: Uint8Array,
  passes: readonly Pass[],
  scratch: string,
): Promise<CompileReport> {
  const sourceFile = join(scratch, 'source.onnx');
  const compiledFile = join(scratch, 'compiled.onnx');
  await writeBytes(sourceFile, source.bytes);
  await writeBytes(compiledFile, compiled);
  // Inputs must fit the compiled model, whose dimensions may have been fixed.
  const { inputs } = checkModelBytes(compiled);
  const cases = [...(options.goldenCases ?? []), ...makeInputs(inputs, options.inputs, options.randomCases)];
  const proof = await prove(sourceFile, compiledFile, cases, options.tolerance, options.timeoutMs);
  return {
    formatVersion: 1,
    target: options.target,
    engine: proof.engine,
    platform: `${process.platform}-${process.arch}`,
    passes: passes.map(({ name }) => name),
    source: measured(source.sha256, source.bytes, proof.source),
    compiled: measured(sha256Hex(compiled), compiled, proof.compiled),
    proof: { cases: cases.length, tolerance: options.tolerance, outputs: [...proof.outputs] },
  };
}

function measured(sha256: string, bytes: Uint8Array, times: Proof['source']): CompileReport['source'] {
  return {
    sha256,
    sizeBytes: bytes.length,
    loadMs: round(times.loadMs),
    latencyP50Ms: round(times.latencyP50Ms),
  };
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function refuseDifference({ proof }: CompileReport): void {
  const worst = proof.outputs.find(({ outsideTolerance }) => outsideTolerance > 0);
  if (worst === undefined) return;
  const { absolute, relative } = proof.tolerance;
  throw new EdgeError(
    'MODEL_CHANGED_BY_COMPILING',
    `Cannot compile the model as output '${worst.name}' differs in ${worst.outsideTolerance} of ${worst.elements} elements: largest difference ${worst.largestDifference.toPrecision(3)}, allowed ${absolute} + ${relative} × |expected|`,
    { nextStep: 'Package the model as it is, or allow more with --tolerance and --relative-tolerance' },
  );
}
