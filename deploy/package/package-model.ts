import type { TensorMetadata } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { join, resolve } from '../../src/disk/mod.js';
import { systemRandom } from '../../src/system/mod.js';
import {
  completeManifest,
  DISTRIBUTIONS_FILE,
  encodeDistributions,
  encodeSamples,
  modelRecipe,
  replaceFile,
  SIGNATURE_FILE,
  MANIFEST_FILE,
  writePackage,
  type Distributions,
  type GoldenSample,
  type Manifest,
  type NewFile,
  type Signer,
  type TensorSpec,
  type Tolerance,
} from '../../src/model/mod.js';
import type { ModelFacts } from '../../src/onnx/mod.js';
import {
  DEFAULT_TOLERANCE,
  readModel,
  writeModel,
  type CompileReport,
  type SourceModel,
} from '../compile/mod.js';
import { makeFolder, withScratch } from '../files/mod.js';
import { encodeRecipe } from '../recipe-file/mod.js';
import { signFolder } from '../sign/mod.js';
import { checkPreprocess } from './check-preprocess.js';
import { labelsFrom, withClassMeaning } from './class-labels.js';
import { collectFiles, readLabels, reportOf } from './collect.js';
import { readModelYaml, type ModelDescription, type ModelYaml } from './model-yaml.js';
import { boundSamples, draftSamples, runSamples, untestedSamples } from './samples.js';

const MODEL_FILE = 'model.onnx';
const SAMPLES_FILE = 'samples.json';
const MINIMUM_RUNTIME_VERSION = '0.1.0';

export interface PackageOptions {
  /** The model.yaml. */
  readonly file: string;
  /** Gets `artifacts/<component>/<version>/` and `recipes/recipe.yaml`, as gdk wants them. */
  readonly outFolder: string;
  readonly skipSelfTest: boolean;
  readonly timeoutMs: number;
  /** A larger model gets its weights in files of their own. Default: 256 MiB. */
  readonly outsideAboveBytes?: number;
  /** Lets model.yaml pack files from outside its folder. Default false. */
  readonly allowOutside?: boolean;
  /** Signs the package as it is made; without one it can be signed later. */
  readonly signer?: Signer;
  /** In place of what model.yaml says. */
  readonly override?: Partial<
    Pick<ModelYaml, 'model' | 'report' | 'version' | 'componentVersion' | 'provenance'>
  >;
}

export interface PackageResult {
  readonly folder: string;
  readonly recipeFile: string;
  readonly digest: string;
  readonly manifest: Manifest;
}

interface Tested {
  readonly samples: GoldenSample[];
  readonly selfTest: Manifest['selfTest'];
  /** Inputs and outputs with shapes that only a session knows; empty where none was made. */
  readonly shapes: Partial<Pick<ModelFacts, 'inputs' | 'outputs'>>;
  /** Of a model that draws random numbers. */
  readonly distributions?: Distributions;
}

/**
 * Makes a model package and its recipe. The same input gives the same bytes (but for a signature, which holds
 * randomness). Nothing is left behind by a failure.
 * @throws EdgeError INVALID_ARGUMENT for model.yaml, FAILED_PRECONDITION for the model or a failing sample
 */
export async function packageModel(options: PackageOptions): Promise<PackageResult> {
  const description = withOverride(await readModelYaml(options.file), options.override);
  const { outsideAboveBytes } = options;
  const sizing = outsideAboveBytes === undefined ? {} : { outsideAboveBytes };
  const model = await readModel(description.resolve(description.yaml.model), sizing);
  const isLarge = model.weights.length > 0;
  if (isLarge) await makeFolder(options.outFolder);
  return await withScratch(
    '.edge-manager-package-',
    (scratch) => packageFrom(description, model, scratch, options),
    // Weights are moved into the package, not copied: from the same file system, and from none in memory.
    isLarge ? options.outFolder : undefined,
  );
}

async function packageFrom(
  description: ModelDescription,
  model: SourceModel,
  scratch: string,
  options: PackageOptions,
): Promise<PackageResult> {
  const { allowOutside = false } = options;
  const modelFile = join(scratch, MODEL_FILE);
  const weights = await writeModel(model, modelFile, scratch);
  await checkPreprocess(description.yaml, modelFile);
  const others = await collectFiles(description, { allowOutside });
  const report = reportOf(others, { sha256: model.sha256, weights: weights.map((one) => one.sha256) });
  const tolerance = toleranceOf(description, report);
  const tested = await testSamples(description, model, { ...options, modelFile, tolerance });
  const facts = { ...model.facts, ...tested.shapes };
  const files: NewFile[] = [
    { path: MODEL_FILE, role: 'model', bytes: model.bytes },
    ...weights.map(({ name, ...written }) => ({ ...written, path: name, role: 'weights' as const })),
    ...(tested.samples.length === 0
      ? []
      : [{ path: SAMPLES_FILE, role: 'samples' as const, bytes: encodeSamples(tested.samples) }]),
    ...distributionsFile(tested),
    ...others,
  ];
  const labels = await readLabels(description, { allowOutside });
  const manifest = completeManifest(
    manifestFor(description, { ...model, facts }, { ...tested, report, tolerance, labels }),
    files,
  );
  return writeAll(description, manifest, files, options);
}

function distributionsFile({ distributions }: Tested): NewFile[] {
  if (distributions === undefined) return [];
  return [{ path: DISTRIBUTIONS_FILE, role: 'samples', bytes: encodeDistributions(distributions) }];
}

function withOverride(
  description: ModelDescription,
  override: PackageOptions['override'] = {},
): ModelDescription {
  // Paths on the command line are relative to where the command runs, not to model.yaml.
  const paths = Object.entries({ model: override.model, report: override.report }).flatMap(([key, path]) =>
    path === undefined ? [] : [[key, resolve(path)] as const],
  );
  const provenance = { ...description.yaml.provenance, ...override.provenance };
  const yaml = {
    ...description.yaml,
    ...override,
    ...Object.fromEntries(paths),
    ...(Object.keys(provenance).length === 0 ? {} : { provenance }),
  };
  const componentVersion = yaml.componentVersion ?? yaml.version;
  return { ...description, yaml, componentVersion };
}

/** What compiling has allowed a quantised model, a device's CPU may do too; every other one gives what it gave here. */
function toleranceOf({ yaml }: ModelDescription, report: CompileReport | undefined): Tolerance {
  return yaml.samples?.tolerance ?? (report?.lossy === true ? report.proof.tolerance : DEFAULT_TOLERANCE);
}

async function testSamples(
  description: ModelDescription,
  model: SourceModel,
  {
    skipSelfTest,
    timeoutMs,
    modelFile,
    tolerance,
  }: PackageOptions & { readonly modelFile: string; readonly tolerance: Tolerance },
): Promise<Tested> {
  const drafts = await draftSamples(description, model.facts);
  if (skipSelfTest) return { samples: untestedSamples(drafts), selfTest: { outcome: 'skipped' }, shapes: {} };
  if (drafts.length === 0) {
    throw new EdgeError('SAMPLES_INVALID', "Cannot package the model as 'samples' is missing", {
      field: 'samples',
      nextStep: "Give samples in model.yaml ('file', 'cases' or 'make'), or pass --skip-self-test",
    });
  }
  const run = description.yaml.deterministic === false ? boundSamples : runSamples;
  const { engine, inputs = [], outputs = [], ...tested } = await run(modelFile, drafts, tolerance, timeoutMs);
  return {
    ...tested,
    selfTest: { outcome: 'passed', cases: tested.samples.length, engine },
    shapes: {
      inputs: withShapes(model.facts.inputs, inputs),
      outputs: withShapes(model.facts.outputs, outputs),
    },
  };
}

/** A graph may leave out the shapes that ONNX Runtime infers. */
function withShapes(specs: readonly TensorSpec[], found: readonly TensorMetadata[]): ModelFacts['inputs'] {
  return specs.map((spec) => {
    const inferred = found.find(({ name }) => name === spec.name)?.shape ?? [];
    return spec.shape.length === 0 ? { ...spec, shape: [...inferred] } : spec;
  });
}

/** What was found of the model beside its own facts. */
interface Findings {
  readonly samples: readonly GoldenSample[];
  readonly selfTest: Manifest['selfTest'];
  readonly report: CompileReport | undefined;
  readonly tolerance: Tolerance;
  readonly labels: string[] | undefined;
}

function manifestFor(
  { yaml, componentName }: ModelDescription,
  { facts, classes }: SourceModel,
  { samples, selfTest, report, tolerance, labels: given }: Findings,
): Omit<Manifest, 'files'> {
  const { irVersion, opset, domains } = facts;
  const sourceSha256 = report?.source.sha256;
  const provenance = { ...yaml.provenance, ...(sourceSha256 === undefined ? {} : { sourceSha256 }) };
  const labels = given ?? labelsFrom(classes);
  const meaning =
    given === undefined && labels !== undefined ? withClassMeaning(yaml.outputs, classes) : yaml.outputs;
  const optional = {
    description: yaml.description,
    versionLabels: yaml.versionLabels,
    labels,
    samples: samples.length === 0 ? undefined : { file: SAMPLES_FILE, count: samples.length, tolerance },
    baseline: baselineFor(yaml),
    capture: yaml.capture,
    resources: yaml.resources,
    licence: yaml.licence,
    provenance: Object.keys(provenance).length === 0 ? undefined : provenance,
    allowDowngrade: yaml.allowDowngrade,
    expires: yaml.expires,
  };
  return {
    formatVersion: 1,
    name: yaml.name,
    version: yaml.version,
    componentName,
    target: yaml.target ?? 'any',
    minimumRuntimeVersion: yaml.minimumRuntimeVersion ?? MINIMUM_RUNTIME_VERSION,
    model: { file: MODEL_FILE, irVersion, opset, domains: domains.filter(({ version }) => version > 0) },
    inputs: withSemantics(facts.inputs, yaml.inputs, 'inputs'),
    outputs: withSemantics(facts.outputs, meaning, 'outputs'),
    selfTest,
    ...defined(optional),
  };
}

function baselineFor({ baseline }: ModelYaml): Manifest['baseline'] {
  if (baseline === undefined) return undefined;
  return {
    ...(baseline.statistics === undefined ? {} : { statistics: 'statistics.json' }),
    ...(baseline.constraints === undefined ? {} : { constraints: 'constraints.json' }),
  };
}

function withSemantics(
  specs: readonly TensorSpec[],
  semantics: ModelYaml['inputs'] = {},
  field: string,
): TensorSpec[] {
  const stranger = Object.keys(semantics).find((name) => !specs.some((spec) => spec.name === name));
  if (stranger !== undefined) {
    throw new EdgeError(
      'FIELD_INVALID',
      `Cannot package the model as '${field}.${stranger}' is not in the model: it has ${specs.map(({ name }) => name).join(', ')}`,
      { field: `${field}.${stranger}`, nextStep: 'Name them as they stand there' },
    );
  }
  return specs.map((spec) => {
    const meaning = semantics[spec.name];
    return meaning === undefined ? spec : { ...spec, semantics: meaning };
  });
}

/** A manifest has no keys without a value: JSON would drop them, and exact types refuse them. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

async function writeAll(
  { yaml, componentName, componentVersion }: ModelDescription,
  manifest: Manifest,
  files: readonly NewFile[],
  options: PackageOptions,
): Promise<PackageResult> {
  const folder = join(options.outFolder, 'artifacts', componentName, componentVersion);
  const recipeFile = join(options.outFolder, 'recipes', 'recipe.yaml');
  const signed = options.signer !== undefined;
  const recipe = modelRecipe({
    componentName,
    componentVersion,
    description: yaml.description ?? `Model ${yaml.name} ${yaml.version}`,
    publisher: yaml.publisher ?? 'edge-manager',
    target: manifest.target,
    files: [...files.map(({ path }) => path), MANIFEST_FILE, ...(signed ? [SIGNATURE_FILE] : [])],
  });
  // Encoded first: a recipe that Greengrass would not take must leave no package behind.
  const recipeBytes = encodeRecipe(recipe);
  const { digest } = await writePackage(folder, manifest, files, systemRandom);
  if (options.signer !== undefined) await signFolder(folder, options.signer);
  await makeFolder(join(options.outFolder, 'recipes'));
  await replaceFile(recipeFile, recipeBytes);
  return { folder, recipeFile, digest, manifest };
}
