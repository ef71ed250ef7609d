import { Option, type Command } from 'commander';
import type { Profile } from '../../src/local/nucleus/mod.js';
import type { CommandLine, Run } from './command.js';
import { choicesOf } from './options.js';

interface Options {
  profile: Profile;
  folder?: string;
  thing: string;
  region: string;
  bucket: string;
  buildVersion: string;
  deployment?: string;
  trust?: readonly string[];
  json?: boolean;
}

const PROFILES = choicesOf<Profile>({ nucleus: true, lite: true });

export function register(program: Command, line: CommandLine): void {
  program
    .command('dev')
    .description('run a local Greengrass nucleus and a local S3 for development, until Ctrl-C')
    .argument(
      '[builds...]',
      'folders that hold a greengrass-build; all their components are deployed',
      line.files,
    )
    .addOption(new Option('--profile <profile>', 'nucleus to run as').choices(PROFILES).default('nucleus'))
    .option('--folder <folder>', "where S3's data stays (default: a temporary folder)", line.file)
    .option('--thing <name>', 'thing name of the device', 'dev-device')
    .option('--region <region>', 'AWS region that components see', 'eu-west-1')
    .option('--bucket <name>', 'bucket made in the local S3', 'edge-manager-captures')
    .option('--build-version <version>', 'version for builds that say NEXT_PATCH', '1.0.0')
    .option('--deployment <file>', 'YAML or JSON with `components`, as CreateDeployment takes it', line.file)
    .option(
      '--trust <file>',
      'public key or certificate in PEM whose signatures the agent accepts; repeatable',
      line.files,
    )
    .option('--json', 'one JSON object a line')
    .action(line.runs(dev));
}

async function dev(
  { interrupted, print }: Run,
  builds: readonly string[] | undefined,
  options: Options,
): Promise<void> {
  // From the first moment: a nucleus that was just started must be stopped too.
  const interruption = interrupted();
  const { startDevelopment } = await import('../dev/mod.js');
  const development = await startDevelopment({
    ...options,
    builds: builds ?? [],
    tell: (event, text) => print.line(options.json === true ? JSON.stringify(event) : text),
  });
  await interruption;
  await development.close();
}
