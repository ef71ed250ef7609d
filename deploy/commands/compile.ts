import { Option, type Command } from 'commander';
import type { DEFAULT_PACKAGE_QUOTA_MB, Target, Tolerance } from '../../src/model/mod.js';
import type { CompileReport, DEFAULT_TOLERANCE } from '../compile/mod.js';
import type { CommandLine, Run } from './command.js';
import { formatBytes } from './format-bytes.js';
import { choicesOf, collectPairs, parseNumber } from './options.js';
import type { Printer } from '../print/mod.js';
import type { Quantisation } from '../quantise/mod.js';

interface Options {
  out?: string;
  report?: string;
  target: Target;
  dim: Record<string, string>;
  shape: Record<string, string>;
  value: Record<string, string>;
  outputs?: string;
  cases: number;
  samples?: string;
  seed: number;
  tolerance?: number;
  relativeTolerance?: number;
  quantise?: Quantisation;
  python: string;
  deterministic: boolean;
  preprocess?: string;
  packageQuotaMb: number;
  timeout: number;
  json?: boolean;
}

/** The compiler's own, without loading it: the compiler of this file holds the numbers to it. */
const TOLERANCE: typeof DEFAULT_TOLERANCE = { absolute: 1e-4, relative: 1e-3 };
const PACKAGE_QUOTA_MB: typeof DEFAULT_PACKAGE_QUOTA_MB = 2048;
const QUANTISATIONS = choicesOf<Quantisation>({ 'dynamic-int8': true, 'static-int8': true });
const TARGETS = choicesOf<Target>({ any: true, 'linux-x64': true, 'linux-arm64': true });

export function register(program: Command, line: CommandLine): void {
  program
    .command('compile')
    .description('optimise an ONNX model, and prove that it still gives the same outputs')
    .argument('<model>', 'ONNX file', line.file)
    .option('-o, --out <file>', 'compiled model (default: <model>.compiled.onnx)', line.file)
    .option('--report <file>', 'JSON report (default: beside the compiled model)', line.file)
    .addOption(new Option('--target <target>', 'platform').choices(TARGETS).default('any'))
    .option(
      '--dim <name=size>',
      'fix an open dimension, by symbol or input.axis; repeatable',
      collectPairs,
      {},
    )
    .option('--preprocess <model.yaml>', 'put what stands there under preprocess into the graph', line.file)
    .option('--shape <input=AxB>', 'shape of an input in the proof; repeatable', collectPairs, {})
    .option('--value <input=value>', 'one value for a whole input in the proof; repeatable', collectPairs, {})
    .option('--outputs <names>', 'outputs to keep, separated by commas (default: all)')
    .option(
      '--samples <file>',
      'real inputs for the proof: a model.yaml with samples, or a samples.json',
      line.file,
    )
    .option('--cases <count>', 'random inputs in the proof', parseNumber, 5)
    .option('--seed <number>', 'seed of the random inputs', parseNumber, 1)
    .option(
      '--tolerance <number>',
      `absolute difference allowed (default: ${TOLERANCE.absolute}; quantised: a tenth of the largest output)`,
      parseNumber,
    )
    .option(
      '--relative-tolerance <number>',
      `relative difference allowed (default: ${TOLERANCE.relative}; quantised: 0.1)`,
      parseNumber,
    )
    .addOption(
      new Option('--quantise <mode>', '8-bit integers, by ONNX Runtime’s Python package').choices(
        QUANTISATIONS,
      ),
    )
    .option('--python <program>', 'Python with that package', 'python3')
    .option('--no-deterministic', 'the model draws random numbers: hold it to mean and spread over many runs')
    .option(
      '--package-quota-mb <number>',
      'packageQuotaMb of the devices: a model that fills more is warned of',
      parseNumber,
      PACKAGE_QUOTA_MB,
    )
    .option('--timeout <seconds>', 'for each process that runs the model', parseNumber, 300)
    .option('--json', 'print the report as JSON')
    .action(line.runs(compile));
}

async function compile({ print }: Run, model: string, options: Options): Promise<void> {
  const { compileModel } = await import('../compile/mod.js');
  const { readPreprocess, readSampleInputs } = await import('../package/mod.js');
  const { quantisePass } = await import('../quantise/mod.js');
  const { quantise, samples } = options;
  const { out, report: file } = outputs(model, options);
  const report = await compileModel({
    modelFile: model,
    outFile: out,
    reportFile: file,
    target: options.target,
    dimensions: numbers(options.dim),
    ...(options.outputs === undefined ? {} : { outputs: options.outputs.split(',') }),
    tolerance: toleranceOf(options),
    inputs: {
      seed: options.seed,
      shapes: shapes(options.shape),
      values: options.value,
      ranges: {},
    },
    randomCases: options.cases,
    ...(samples === undefined ? {} : { goldenCases: (model) => readSampleInputs(samples, model) }),
    extraPasses:
      quantise === undefined ? [] : [quantisePass(quantise, samples !== undefined, options.python)],
    deterministic: options.deterministic,
    ...(options.preprocess === undefined ? {} : { preprocess: await readPreprocess(options.preprocess) }),
    timeoutMs: options.timeout * 1000,
  });
  if (options.json === true) print.json(report);
  else printReport(print, report, out, file);
  await warnOfSize(print, report.compiled.sizeBytes, options.packageQuotaMb);
}

/** Said here, where something can still be done, and not by the first device. */
async function warnOfSize(print: Printer, sizeBytes: number, quotaMb: number): Promise<void> {
  const { MEBIBYTE } = await import('../../src/core/mod.js');
  const needsMb = Math.ceil(sizeBytes / MEBIBYTE);
  if (needsMb <= quotaMb) return;
  print.aside(
    `Warning: the model has ${needsMb} MB, and a device keeps packages of ${quotaMb} MB in all${quotaMb === PACKAGE_QUOTA_MB ? ' by default' : ''}: give its agent a larger packageQuotaMb (for an update twice the size, as the former version stays)`,
  );
}

/** One that is given counts beside the other's default. */
function toleranceOf({ tolerance, relativeTolerance }: Options): Tolerance | undefined {
  if (tolerance === undefined && relativeTolerance === undefined) return undefined;
  return { absolute: tolerance ?? TOLERANCE.absolute, relative: relativeTolerance ?? TOLERANCE.relative };
}

function outputs(model: string, options: Options): { out: string; report: string } {
  const out = options.out ?? `${withoutExtension(model)}.compiled.onnx`;
  return { out, report: options.report ?? `${withoutExtension(out)}.report.json` };
}

function withoutExtension(path: string): string {
  return path.replace(/(?<=[^/])\.[^./]*$/, '');
}

function numbers(pairs: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pairs).map(([name, text]) => [name, parseNumber(text)]));
}

function shapes(pairs: Readonly<Record<string, string>>): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => [name, text.split('x').map(parseNumber)]),
  );
}

function printReport(print: Printer, report: CompileReport, out: string, file: string): void {
  const { source, compiled, proof } = report;
  print.table(
    ['', 'source', 'compiled'],
    [
      ['size', formatBytes(source.sizeBytes), formatBytes(compiled.sizeBytes)],
      ['load', `${source.loadMs.toFixed(1)} ms`, `${compiled.loadMs.toFixed(1)} ms`],
      ['latency p50', `${source.latencyP50Ms.toFixed(3)} ms`, `${compiled.latencyP50Ms.toFixed(3)} ms`],
    ],
  );
  printDifferences(print, proof);
  print.line(`Passes: ${report.passes.join(', ')} (${report.engine}, ${proof.cases} inputs)`);
  print.line(`Wrote ${out} and ${file}`);
}

function printDifferences(print: Printer, { outputs, deterministic }: CompileReport['proof']): void {
  if (deterministic === false) {
    print.line('The model draws random numbers: its outputs keep to mean and spread of the source');
    return;
  }
  print.table(
    ['output', 'elements', 'largest difference', 'mean difference', 'top-1 agreement'],
    outputs.map((output) => [
      output.name,
      output.elements,
      output.largestDifference.toExponential(2),
      output.meanDifference.toExponential(2),
      output.top1Agreement === undefined ? '' : `${(100 * output.top1Agreement).toFixed(1)} %`,
    ]),
  );
}
