import { extname } from 'node:path';
import { Option, type Command } from 'commander';
import { TARGETS, type Target } from '../../src/model/mod.js';
import { readSampleInputs } from '../package/samples.js';
import { compileModel, DEFAULT_TOLERANCE, type CompileReport } from '../compile/mod.js';
import { collectPairs, formatBytes, parseNumber, printJson, printLine, printTable } from './output.js';

interface Options {
  out?: string;
  report?: string;
  target: Target;
  dim: Record<string, string>;
  shape: Record<string, string>;
  value: Record<string, string>;
  cases: number;
  samples?: string;
  seed: number;
  tolerance: number;
  relativeTolerance: number;
  timeout: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('compile')
    .description('optimise an ONNX model, and prove that it still gives the same outputs')
    .argument('<model>', 'ONNX file')
    .option('-o, --out <file>', 'compiled model (default: <model>.compiled.onnx)')
    .option('--report <file>', 'JSON report (default: beside the compiled model)')
    .addOption(new Option('--target <target>', 'platform').choices([...TARGETS]).default('any'))
    .option(
      '--dim <name=size>',
      'fix an open dimension, by symbol or input.axis; repeatable',
      collectPairs,
      {},
    )
    .option('--shape <input=AxB>', 'shape of an input in the proof; repeatable', collectPairs, {})
    .option(
      '--value <input=number>',
      'one value for a whole input in the proof; repeatable',
      collectPairs,
      {},
    )
    .option('--samples <file>', 'real inputs for the proof: a samples.json')
    .option('--cases <count>', 'random inputs in the proof', parseNumber, 5)
    .option('--seed <number>', 'seed of the random inputs', parseNumber, 1)
    .option('--tolerance <number>', 'absolute difference allowed', parseNumber, DEFAULT_TOLERANCE.absolute)
    .option(
      '--relative-tolerance <number>',
      'relative difference allowed',
      parseNumber,
      DEFAULT_TOLERANCE.relative,
    )
    .option('--timeout <seconds>', 'for each process that runs the model', parseNumber, 300)
    .option('--json', 'print the report as JSON')
    .action(async (model: string, options: Options) => {
      const { out, report: file } = outputs(model, options);
      const report = await compileModel({
        modelFile: model,
        outFile: out,
        reportFile: file,
        target: options.target,
        dimensions: numbers(options.dim),
        tolerance: { absolute: options.tolerance, relative: options.relativeTolerance },
        inputs: {
          seed: options.seed,
          shapes: shapes(options.shape),
          values: numbers(options.value),
          ranges: {},
        },
        randomCases: options.cases,
        goldenCases: options.samples === undefined ? [] : await readSampleInputs(options.samples),
        timeoutMs: options.timeout * 1000,
      });
      if (options.json === true) printJson(report);
      else printReport(report, out, file);
    });
}

function outputs(model: string, options: Options): { out: string; report: string } {
  const stem = model.slice(0, model.length - extname(model).length);
  const out = options.out ?? `${stem}.compiled.onnx`;
  return { out, report: options.report ?? `${out.slice(0, out.length - extname(out).length)}.report.json` };
}

function numbers(pairs: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pairs).map(([name, text]) => [name, parseNumber(text)]));
}

function shapes(pairs: Readonly<Record<string, string>>): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => [name, text.split('x').map(parseNumber)]),
  );
}

function printReport(report: CompileReport, out: string, file: string): void {
  const { source, compiled, proof } = report;
  printTable(
    ['', 'source', 'compiled'],
    [
      ['size', formatBytes(source.sizeBytes), formatBytes(compiled.sizeBytes)],
      ['load', `${source.loadMs.toFixed(1)} ms`, `${compiled.loadMs.toFixed(1)} ms`],
      ['latency p50', `${source.latencyP50Ms.toFixed(3)} ms`, `${compiled.latencyP50Ms.toFixed(3)} ms`],
    ],
  );
  printTable(
    ['output', 'elements', 'largest difference', 'mean difference'],
    proof.outputs.map((output) => [
      output.name,
      output.elements,
      output.largestDifference.toExponential(2),
      output.meanDifference.toExponential(2),
    ]),
  );
  printLine(`Passes: ${report.passes.join(', ')} (${report.engine}, ${proof.cases} inputs)`);
  printLine(`Wrote ${out} and ${file}`);
}
