import type { Command } from 'commander';
import type { Signer } from '../../src/model/mod.js';
import type { ApprovedModel, PackageOptions, PackageResult } from '../package/mod.js';
import type { CommandLine, Run } from './command.js';
import { formatBytes } from './format-bytes.js';
import { parseNumber } from './options.js';
import { PASSPHRASE_VARIABLE } from './passphrase.js';
import type { Printer } from '../print/mod.js';

interface Options {
  out: string;
  model?: string;
  report?: string;
  fromModelPackage?: string;
  modelVersion?: string;
  componentVersion?: string;
  key?: string;
  chain?: string;
  allowOutside?: boolean;
  skipSelfTest?: boolean;
  timeout: number;
  json?: boolean;
}

export function register(program: Command, line: CommandLine): void {
  program
    .command('package')
    .description('make a model package and its Greengrass recipe from a model.yaml')
    .argument('[model.yaml]', 'description of the model', line.file, line.file('model.yaml'))
    .option(
      '-o, --out <folder>',
      'gets artifacts/ and recipes/, as gdk wants them',
      line.file,
      line.file('greengrass-build'),
    )
    .option('--model <file>', 'model file, in place of the one in model.yaml', line.file)
    .option('--report <file>', 'compile report of that model', line.file)
    .option('--from-model-package <arn>', 'take model and provenance from SageMaker, if it is approved there')
    .option('--model-version <version>', 'in place of the version in model.yaml')
    .option('--component-version <version>', 'version of the component (default: of the model)')
    .option('--key <file>', `sign with this private key (passphrase: ${PASSPHRASE_VARIABLE})`, line.file)
    .option('--chain <file>', 'certificates of that key, leaf first', line.file)
    .option('--allow-outside', 'let model.yaml pack files from outside its folder')
    .option('--skip-self-test', 'do not run the samples; the manifest says so')
    .option('--timeout <seconds>', 'for the process that runs the samples', parseNumber, 300)
    .option('--json', 'print the result as JSON')
    .action(line.runs(makePackage));
}

async function makePackage(run: Run, file: string, options: Options): Promise<void> {
  const { packageModel } = await import('../package/mod.js');
  await using source = await sourceOf(run, options);
  const signer = await signerOf(run, options);
  const made = await packageModel({
    file,
    outFolder: options.out,
    allowOutside: options.allowOutside === true,
    skipSelfTest: options.skipSelfTest === true,
    timeoutMs: options.timeout * 1000,
    ...(signer === undefined ? {} : { signer }),
    override: overrides(options, source),
  });
  if (options.json === true) run.print.json(made);
  else printPackage(run.print, made, signer !== undefined);
}

/** What the command line says in place of the description. */
function overrides(
  options: Options,
  source: ApprovedModel | undefined,
): NonNullable<PackageOptions['override']> {
  const { report, modelVersion, componentVersion } = options;
  const model = source?.file ?? options.model;
  return {
    ...(model === undefined ? {} : { model }),
    ...(report === undefined ? {} : { report }),
    ...(source === undefined ? {} : { provenance: source.provenance }),
    ...(modelVersion === undefined ? {} : { version: modelVersion }),
    ...(componentVersion === undefined ? {} : { componentVersion }),
  };
}

function printPackage(print: Printer, made: PackageResult, isSigned: boolean): void {
  const { manifest, digest, folder, recipeFile } = made;
  print.table(
    ['file', 'role', 'size', 'SHA-256'],
    manifest.files.map((entry) => [
      entry.path,
      entry.role,
      formatBytes(entry.sizeBytes),
      entry.sha256.slice(0, 16),
    ]),
  );
  print.line(`${manifest.name} ${manifest.version}, digest ${digest}`);
  print.line(`Self-test ${manifest.selfTest.outcome}${isSigned ? '; signed' : '; not signed'}`);
  print.line(`Wrote ${folder} and ${recipeFile}`);
}

async function signerOf({ environment }: Run, { key, chain }: Options): Promise<Signer | undefined> {
  if (key === undefined) return undefined;
  const { readSigner } = await import('../sign/mod.js');
  return readSigner({ keyFile: key, chainFile: chain, passphrase: environment[PASSPHRASE_VARIABLE] });
}

async function sourceOf(
  { aws }: Run,
  { fromModelPackage, model }: Options,
): Promise<ApprovedModel | undefined> {
  if (fromModelPackage === undefined) return undefined;
  if (model !== undefined) {
    const { EdgeError } = await import('../../src/core/mod.js');
    throw new EdgeError('OPTION_INVALID', 'Cannot take the model from both --model and --from-model-package');
  }
  const { AwsArtifacts, AwsModelRegistry } = await import('../cloud/components/mod.js');
  const { fetchApprovedModel } = await import('../package/mod.js');
  const registry = new AwsModelRegistry(aws);
  const artifacts = new AwsArtifacts(aws);
  try {
    return await fetchApprovedModel(fromModelPackage, registry, artifacts);
  } finally {
    registry.close();
    artifacts.close();
  }
}
