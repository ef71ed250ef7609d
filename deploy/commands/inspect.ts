import type { Command } from 'commander';
import type { TensorSpec } from '../../src/model/mod.js';
import { inspect, type Inspection } from '../inspect/mod.js';
import { readPem } from '../sign/mod.js';
import { formatBytes, printJson, printLine, printTable } from './output.js';
import { describeSignature } from './verify.js';

const SHOWN_WEIGHTS = 10;

export function register(program: Command): void {
  program
    .command('inspect')
    .description('show what a model or a package holds, without running it')
    .argument('<path>', 'ONNX file or package folder')
    .option('--trust <file>', 'check the signature against this key or certificate; repeatable', collect, [])
    .option('--json', 'print everything as JSON')
    .action(async (path: string, options: { trust: string[]; json?: boolean }) => {
      const keys = await Promise.all(options.trust.map((file) => readPem(file)));
      const inspection = await inspect(path, keys);
      if (options.json === true) return printJson(inspection);
      printModel(inspection.model);
      printPackage(inspection.package);
    });
}

function printModel(model: Inspection['model']): void {
  const domains = model.domains.map(({ domain, version }) => `${domain} ${version}`).join(', ');
  printTable(
    ['model', ''],
    [
      ['size', formatBytes(model.sizeBytes)],
      ['parameters', model.parameters],
      ['IR version', model.irVersion],
      ['operator sets', domains],
      ['producer', model.producer === '' ? '-' : model.producer],
    ],
  );
  printTable(
    ['tensor', 'name', 'type', 'shape'],
    [...rows('input', model.inputs), ...rows('output', model.outputs)],
  );
  printTable(
    ['operator', 'count'],
    model.operators.map(({ operator, count }) => [operator, count]),
  );
  printTable(
    ['largest weights', 'shape', 'size'],
    model.weights
      .slice(0, SHOWN_WEIGHTS)
      .map(({ name, shape, sizeBytes }) => [name, `[${shape.join(', ')}]`, formatBytes(sizeBytes)]),
  );
}

function rows(kind: string, specs: readonly TensorSpec[]): string[][] {
  return specs.map(({ name, datatype, shape }) => [kind, name, datatype, `[${shape.join(', ')}]`]);
}

function printPackage(held: Inspection['package']): void {
  if (held === undefined) return;
  const { manifest, digest, signature } = held;
  const provenance = Object.entries(manifest.provenance ?? {}).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  printTable(
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
  printLine(
    `Files: ${manifest.files.map(({ path, sizeBytes }) => `${path} (${formatBytes(sizeBytes)})`).join(', ')}`,
  );
}

function collect(value: string, former: string[]): string[] {
  return [...former, value];
}
