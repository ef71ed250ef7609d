import type { Tensor } from '../../src/contract/mod.js';
import { canonicalJson, EdgeError } from '../../src/core/mod.js';
import { basename, dirname, join } from '../../src/disk/mod.js';
import { replaceFile, sha256Hex, type Target, type Tolerance } from '../../src/model/mod.js';
import { keepOutputs, unzipMaps, type OnnxModel } from '../../src/onnx/decoded/mod.js';
import type { ModelFacts } from '../../src/onnx/mod.js';
import { makeFolder, move, withScratch } from '../files/mod.js';
import type { Preprocess } from '../preprocess/mod.js';
import { makeInputs, type InputRecipe } from './make-inputs.js';
import { fixDimensionsPass, optimisePass, travelLevel, type Pass, type PassContext } from './passes.js';
import { preprocessPass, type PreprocessPass } from './preprocess-pass.js';
import { prove, proveBounds, type Proof } from './prove.js';
import { readModel, type ReadOptions, type SourceModel } from './read-model.js';
import { writeModel, type WrittenWeights } from './write-model.js';
import type { CompileReport } from './report.js';

export interface CompileOptions {
  readonly modelFile: string;
  readonly outFile: string;
  readonly reportFile: string;
  readonly target: Target;
  /** Sizes for open dimensions, by symbol or `input.axis`. */
  readonly dimensions: Readonly<Record<string, number>>;
  /** Outputs to keep, by name; absent: all. */
  readonly outputs?: readonly string[];
  /** Default where a pass is lossy: a tenth of the largest output, else what rounding may make. */
  readonly tolerance?: Tolerance | undefined;
  /** How the proof's random inputs are made. */
  readonly inputs: InputRecipe;
  readonly randomCases: number;
  /** Reads real inputs, proved beside the random ones; of the model with its preprocessing and fixed dimensions. */
  readonly goldenCases?: (
    model: Pick<ModelFacts, 'inputs' | 'outputs'>,
  ) => Promise<readonly (readonly Tensor[])[]>;
  /** Whether the model gives the same outputs for the same inputs. Default true: where it does not, it is refused. */
  readonly deterministic?: boolean;
  /** For each process that runs the model. */
  readonly timeoutMs: number;
  /** Steps that go into the graph in front of an input, by its name: from model.yaml. */
  readonly preprocess?: Readonly<Record<string, Preprocess>>;
  /** Passes after our own, such as a quantisation. */
  readonly extraPasses?: readonly Pass[];
  /** A larger model gets its weights in files of their own. */
  readonly outsideAboveBytes?: number;
}

/** Largest difference that rounding alone may make. */
export const DEFAULT_TOLERANCE = { absolute: 1e-4, relative: 1e-3 } as const satisfies Tolerance;

/**
 * Compiles a model and proves the result: nothing is written unless the same inputs gave the same outputs.
 * @throws EdgeError FAILED_PRECONDITION where the outputs differ, the model is refused, or it crashes the runtime
 */
export async function compileModel(options: CompileOptions): Promise<CompileReport> {
  const adapt = (model: OnnxModel, bytes: Uint8Array): string[] => toTensors(model, bytes, options.outputs);
  const source = await readModel(options.modelFile, { ...sizing(options), adapt, anySize: isLossy(options) });
  const isLarge = source.weights.length > 0;
  const compile = async (scratch: string): Promise<CompileReport> => {
    const sourceFile = join(scratch, 'source.onnx');
    const weights = await writeModel(source, sourceFile, scratch);
    const preprocess = preprocessFor(options, weights);
    const own = passesFor(options, preprocess);
    const { timeoutMs, extraPasses = [] } = options;
    const optimised = await runPasses(own, sourceFile, { scratch, timeoutMs, cases: [] });
    const cases = await goldenCases(options, optimised);
    const modelFile = await runPasses(extraPasses, optimised, { scratch, timeoutMs, cases });
    const compiled = await writeCompiled(options, modelFile, join(scratch, 'compiled'));
    const names = [...source.adapted, ...[...own, ...extraPasses].map(({ name }) => name)];
    const before = { ...source, weights, file: sourceFile };
    const report = await proveResult(options, before, compiled, { passes: names, preprocess, cases });
    refuseDifference(report);
    await putInPlace(compiled, options.outFile);
    await replaceFile(options.reportFile, Buffer.from(`${canonicalJson(report, 2)}\n`));
    return report;
  };
  // What is large is moved to its place, not copied: from the same file system, and from none in memory.
  return await withScratch('.edge-manager-compile-', compile, isLarge ? dirname(options.outFile) : undefined);
}

async function runPasses(passes: readonly Pass[], from: string, context: PassContext): Promise<string> {
  let modelFile = from;
  for (const pass of passes) modelFile = await pass.run(modelFile, context);
  return modelFile;
}

async function goldenCases(options: CompileOptions, modelFile: string): Promise<PassContext['cases']> {
  if (options.goldenCases === undefined) return [];
  const { facts } = await readModel(modelFile, { ...sizing(options), anySize: true });
  return await options.goldenCases(facts);
}

function isLossy({ extraPasses = [] }: CompileOptions): boolean {
  return extraPasses.some(({ lossy }) => lossy === true);
}

function sizing({ outsideAboveBytes }: CompileOptions): Pick<ReadOptions, 'outsideAboveBytes'> {
  return outsideAboveBytes === undefined ? {} : { outsideAboveBytes };
}

/** A model in a file, with its weights beside it. */
interface ModelOnDisk extends Pick<SourceModel, 'bytes' | 'sha256' | 'facts'> {
  readonly file: string;
  readonly weights: readonly WrittenWeights[];
}

async function writeCompiled(options: CompileOptions, from: string, folder: string): Promise<ModelOnDisk> {
  const weightsPrefix = `${basename(options.outFile).replace(/\.onnx$/, '')}.weights`;
  const model = await readModel(from, { ...sizing(options), weightsPrefix });
  await makeFolder(folder);
  const file = join(folder, 'compiled.onnx');
  const weights = await writeModel(model, file, folder);
  return { ...model, sha256: sha256Hex(model.bytes), file, weights };
}

/** Weights first: a model that is there has all that it names. */
async function putInPlace({ bytes, weights }: ModelOnDisk, outFile: string): Promise<void> {
  for (const { name, file } of weights) await move(file, join(dirname(outFile), name));
  await replaceFile(outFile, bytes);
}

/** Outputs that an app can be given: those that are wanted, with tensors in place of maps. */
function toTensors(model: OnnxModel, bytes: Uint8Array, outputs: CompileOptions['outputs']): string[] {
  if (outputs !== undefined) keepOutputs(model, outputs);
  return [
    ...(outputs === undefined ? [] : [`outputs ${outputs.join(', ')}`]),
    ...unzipMaps(model, bytes).map((name) => `unzip ${name}`),
  ];
}

function preprocessFor(
  { preprocess }: CompileOptions,
  weights: readonly WrittenWeights[],
): PreprocessPass | undefined {
  if (preprocess === undefined) return undefined;
  return preprocessPass(preprocess, new Map(weights.map(({ name, sizeBytes }) => [name, sizeBytes])));
}

function passesFor({ dimensions, target }: CompileOptions, preprocess: PreprocessPass | undefined): Pass[] {
  const fix = Object.keys(dimensions).length === 0 ? [] : [fixDimensionsPass(dimensions)];
  const before = preprocess === undefined ? [] : [preprocess];
  return [...fix, ...before, optimisePass(travelLevel(target))];
}

/** What was done to a model. */
interface Done extends Pick<PassContext, 'cases'> {
  readonly passes: readonly string[];
  readonly preprocess: PreprocessPass | undefined;
}

async function proveResult(
  options: CompileOptions,
  source: ModelOnDisk,
  compiled: ModelOnDisk,
  { passes, preprocess, cases: golden }: Done,
): Promise<CompileReport> {
  // Inputs must fit the compiled model, whose dimensions may have been fixed.
  const { inputs } = compiled.facts;
  const recipe = preprocess?.recipe(options.inputs) ?? options.inputs;
  const cases = [...golden, ...makeInputs(inputs, recipe, options.randomCases)];
  const { timeoutMs, deterministic = true } = options;
  const lossy = isLossy(options);
  const tolerance = options.tolerance ?? (lossy ? undefined : DEFAULT_TOLERANCE);
  const before = {
    file: source.file,
    cases: preprocess === undefined ? cases : cases.map(preprocess.outside),
  };
  const after = { file: compiled.file, cases };
  const proof = deterministic
    ? await prove(before, after, tolerance, timeoutMs)
    : await proveBounds(before, after, tolerance ?? DEFAULT_TOLERANCE, timeoutMs);
  return {
    formatVersion: 1,
    target: options.target,
    engine: proof.engine,
    platform: `${process.platform}-${process.arch}`,
    passes: [...passes],
    ...(lossy ? { lossy } : {}),
    source: measured(source, proof.source),
    compiled: measured(compiled, proof.compiled),
    proof: {
      cases: cases.length,
      tolerance: proof.tolerance,
      outputs: [...proof.outputs],
      ...(deterministic ? {} : { deterministic }),
    },
  };
}

function measured({ sha256, bytes, weights }: ModelOnDisk, times: Proof['source']): CompileReport['source'] {
  return {
    sha256,
    sizeBytes: weights.reduce((sum, { sizeBytes }) => sum + sizeBytes, bytes.length),
    ...(weights.length === 0 ? {} : { weights: weights.map((one) => one.sha256) }),
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
