import type { Command } from 'commander';
import { EdgeError } from '../../src/core/mod.js';
import { fetchApprovedModel, packageModel, type ApprovedModel } from '../package/mod.js';
import { PASSPHRASE_VARIABLE, readSigner } from '../sign/mod.js';
import { parseNumber, printJson, printLine, printTable, formatBytes } from './output.js';

interface Options {
  out: string;
  model?: string;
  report?: string;
  fromModelPackage?: string;
  modelVersion?: string;
  componentVersion?: string;
  key?: string;
  chain?: string;
  skipSelfTest?: boolean;
  timeout: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('package')
    .description('make a model package and its Greengrass recipe from a model.yaml')
    .argument('[model.yaml]', 'description of the model', 'model.yaml')
    .option('-o, --out <folder>', 'gets artifacts/ and recipes/, as gdk wants them', 'greengrass-build')
    .option('--model <file>', 'model file, in place of the one in model.yaml')
    .option('--report <file>', 'compile report of that model')
    .option('--from-model-package <arn>', 'take model and provenance from SageMaker, if it is approved there')
    .option('--model-version <version>', 'in place of the version in model.yaml')
    .option('--component-version <version>', 'version of the component (default: of the model)')
    .option('--key <file>', `sign with this private key (passphrase: ${PASSPHRASE_VARIABLE})`)
    .option('--chain <file>', 'certificates of that key, leaf first')
    .option('--skip-self-test', 'do not run the samples; the manifest says so')
    .option('--timeout <seconds>', 'for the process that runs the samples', parseNumber, 300)
    .option('--json', 'print the result as JSON')
    .action(async (file: string, options: Options) => {
      await using source = await sourceOf(options);
      const { report, modelVersion, componentVersion } = options;
      const model = source?.file ?? options.model;
      const signer =
        options.key === undefined
          ? undefined
          : await readSigner({
              keyFile: options.key,
              chainFile: options.chain,
              passphrase: process.env[PASSPHRASE_VARIABLE],
            });
      const result = await packageModel({
        file,
        outFolder: options.out,
        skipSelfTest: options.skipSelfTest === true,
        timeoutMs: options.timeout * 1000,
        ...(signer === undefined ? {} : { signer }),
        override: {
          ...(model === undefined ? {} : { model }),
          ...(report === undefined ? {} : { report }),
          ...(source === undefined ? {} : { provenance: source.provenance }),
          ...(modelVersion === undefined ? {} : { version: modelVersion }),
          ...(componentVersion === undefined ? {} : { componentVersion }),
        },
      });
      if (options.json === true) return printJson(result);
      const { manifest, digest, folder, recipeFile } = result;
      printTable(
        ['file', 'role', 'size', 'SHA-256'],
        manifest.files.map((entry) => [
          entry.path,
          entry.role,
          formatBytes(entry.sizeBytes),
          entry.sha256.slice(0, 16),
        ]),
      );
      printLine(`${manifest.name} ${manifest.version}, digest ${digest}`);
      printLine(
        `Self-test ${manifest.selfTest.outcome}${signer === undefined ? '; not signed' : '; signed'}`,
      );
      printLine(`Wrote ${folder} and ${recipeFile}`);
    });
}

async function sourceOf({ fromModelPackage, model }: Options): Promise<ApprovedModel | undefined> {
  if (fromModelPackage === undefined) return undefined;
  if (model !== undefined) {
    throw new EdgeError('OPTION_INVALID', 'Cannot take the model from both --model and --from-model-package');
  }
  // The AWS SDK takes its time to load, and most models come from a file.
  const { AwsArtifacts, AwsModelRegistry } = await import('../cloud/component-mod.js');
  const registry = new AwsModelRegistry();
  const artifacts = new AwsArtifacts();
  try {
    return await fetchApprovedModel(fromModelPackage, registry, artifacts);
  } finally {
    registry.close();
    artifacts.close();
  }
}
