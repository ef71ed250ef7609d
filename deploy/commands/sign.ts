import type { Command } from 'commander';
import type { CommandLine, Run } from './command.js';
import { PASSPHRASE_VARIABLE } from './passphrase.js';

interface Options {
  key: string;
  chain?: string;
  json?: boolean;
}

export function register(program: Command, line: CommandLine): void {
  program
    .command('sign')
    .description('sign a package (OpenSSF Model Signing v1.0), offline')
    .argument('<package>', 'folder with a manifest.json', line.file)
    .requiredOption('--key <file>', `EC private key in PEM (passphrase: ${PASSPHRASE_VARIABLE})`, line.file)
    .option('--chain <file>', 'certificates of that key in PEM, leaf first', line.file)
    .option('--json', 'print the result as JSON')
    .action(line.runs(sign));
}

async function sign({ environment, print }: Run, folder: string, options: Options): Promise<void> {
  const { readSigner, signPackage } = await import('../sign/mod.js');
  const signer = await readSigner({
    keyFile: options.key,
    chainFile: options.chain,
    passphrase: environment[PASSPHRASE_VARIABLE],
  });
  const { opened, recipeFile } = await signPackage(folder, signer);
  const { name, version } = opened.manifest;
  const { digest } = opened;
  if (options.json === true) {
    print.json({ name, version, digest, ...(recipeFile === undefined ? {} : { recipeFile }) });
    return;
  }
  print.line(`Signed ${name} ${version}, digest ${digest}`);
  if (recipeFile !== undefined) print.line(`Listed model.sig in ${recipeFile}`);
}
