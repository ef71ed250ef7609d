import type { Command } from 'commander';
import type { TensorSpec } from '../../src/model/mod.js';
import type { Inspection } from '../inspect/mod.js';
import type { CommandLine, Run } from './command.js';
import { describeSignature } from './describe-signature.js';
import { formatBytes } from './format-bytes.js';
import type { Printer } from '../print/mod.js';

interface Options {
  trust?: readonly string[];
  json?: boolean;
}

const SHOWN_WEIGHTS = 10;

export function register(program: Command, line: CommandLine): void {
  program
    .command('inspect')
    .description('show what a model or a package holds, without running it')
    .argument('<path>', 'ONNX file or package folder', line.file)
    .option('--trust <file>', 'check the signature against this key or certificate; repeatable', line.files)
    .option('--json', 'print everything as JSON')
    .action(line.runs(show));
}

async function show({ print }: Run, path: string, options: Options): Promise<void> {
  const { inspect } = await import('../inspect/mod.js');
  const { readPem } = await import('../sign/mod.js');
  const keys = await Promise.all((options.trust ?? []).map((file) => readPem(file)));
  const inspection = await inspect(path, keys);
  if (options.json === true) return print.json(inspection);
  printModel(print, inspection.model);
  printPackage(print, inspection.package);
}

function printModel(print: Printer, model: Inspection['model']): void {
  const domains = model.domains.map(({ domain, version }) => `${domain} ${version}`).join(', ');
  print.table(
    ['model', ''],
    [
      ['size', formatBytes(model.sizeBytes)],
      ['parameters', model.parameters],
      ['IR version', model.irVersion],
      ['operator sets', domains],
      ['producer', model.producer === '' ? '-' : model.producer],
    ],
  );
  print.table(
    ['tensor', 'name', 'type', 'shape'],
    [...rows('input', model.inputs), ...rows('output', model.outputs)],
  );
  print.table(
    ['operator', 'count'],
    model.operators.map(({ operator, count }) => [operator, count]),
  );
  print.table(
    ['largest weights', 'shape', 'size'],
    model.weights
      .slice(0, SHOWN_WEIGHTS)
      .map(({ name, shape, sizeBytes }) => [name, `[${shape.join(', ')}]`, formatBytes(sizeBytes)]),
  );
}

function rows(kind: string, specs: readonly TensorSpec[]): string[][] {
  return specs.map(({ name, datatype, shape }) => [kind, name, datatype, `[${shape.join(', ')}]`]);
}

function printPackage(print: Printer, held: Inspection['package']): void {
  if (held === undefined) return;
  const { manifest, digest, signature } = held;
  const provenance = Object.entries(manifest.provenance ?? {}).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  print.table(
    ['package', ''],
    [
      ['name', manifest.name],
      ['version', manifest.version],
      ['component', manifest.componentName],
      ['target', manifest.target],
      ['digest', digest],
      ['signature', typeof signature === 'string' ? signature : describeSignature(signature)],
      ['samples', manifest.samples === undefined ? 'none' : String(manifest.samples.count)],
      ['self-test', manifest.selfTest.outcome],
      ['licence', manifest.licence ?? '-'],
      ...provenance,
    ],
  );
  print.line(
    `Files: ${manifest.files.map(({ path, sizeBytes }) => `${path} (${formatBytes(sizeBytes)})`).join(', ')}`,
  );
}
