import { Option, type Command } from 'commander';
import type { CommandLine, Run } from './command.js';

interface Options {
  platform?: string;
  form: 'zip' | 'plain';
  out?: string;
  file?: readonly string[];
  json?: boolean;
}

export function register(program: Command, line: CommandLine): void {
  const app = program.command('app').description('local apps that ask the agent, as Greengrass components');
  app
    .command('init')
    .description('make a new app in TypeScript that asks one model')
    .argument('<folder>', 'gets the files', line.file)
    .requiredOption('--component <name>', 'the component, such as com.example.App')
    .requiredOption('--model <name>', 'the model that it asks')
    .action(line.runs(init));
  app
    .command('build')
    .description("make a component's artifacts and recipe of an app in TypeScript, JavaScript or Python")
    .argument(
      '[folder]',
      'the app: recipe.yaml, and package.json (main, files) or main.py',
      line.file,
      line.file('.'),
    )
    .option('--platform <name>', 'linux-amd64, linux-aarch64, or here (default: all)')
    .addOption(
      new Option('--form <form>', 'zip, or plain files for local deployments of nucleus lite')
        .choices(['zip', 'plain'])
        .default('zip'),
    )
    .option('-o, --out <folder>', 'gets greengrass-build (default: the app)', line.file)
    .option('--file <path>', 'goes along as it is; may stand more than once', line.files)
    .option('--json', 'print the result as JSON')
    .action(line.runs(build));
}

interface InitOptions {
  component: string;
  model: string;
}

async function init({ print }: Run, folder: string, options: InitOptions): Promise<void> {
  const { resolve } = await import('../../src/disk/mod.js');
  const { initApp } = await import('../build/mod.js');
  const names = await initApp(resolve(folder), options);
  print.line(`Wrote ${names.join(', ')}`);
  print.line('Next: npm install and npm run build in that folder');
}

async function build({ print }: Run, folder: string, options: Options): Promise<void> {
  const { resolve } = await import('../../src/disk/mod.js');
  const { buildApp, platformsOf } = await import('../build/mod.js');
  const built = await buildApp(resolve(folder), {
    platforms: options.platform === undefined ? undefined : platformsOf(options.platform),
    form: options.form,
    out: options.out === undefined ? undefined : resolve(options.out),
    files: options.file?.map((path) => resolve(path)),
  });
  const { recipe, files, sizeBytes, warnings } = built;
  if (options.json === true) {
    return print.json({
      name: recipe.ComponentName,
      version: recipe.ComponentVersion,
      files,
      sizeBytes,
      warnings,
    });
  }
  for (const warning of warnings) print.aside(`Warning: ${warning}`);
  const artifacts = files.length === 1 ? '1 artifact' : `${files.length} artifacts`;
  print.line(`Built ${recipe.ComponentName}: ${artifacts}, ${(sizeBytes / 1e6).toFixed(1)} MB`);
}
