import { Option, type Command } from 'commander';
import type { Signer } from '../../src/model/mod.js';
import type { CommandLine, Run } from './command.js';
import { WrongOption } from './options.js';
import { PASSPHRASE_VARIABLE } from './passphrase.js';

interface Options {
  key?: string;
  kms?: string;
  chain?: string;
  json?: boolean;
}

export function register(program: Command, line: CommandLine): void {
  program
    .command('sign')
    .description('sign a package (OpenSSF Model Signing v1.0), offline or by AWS KMS')
    .argument('<package>', 'folder with a manifest.json', line.file)
    .option('--key <file>', `EC private key in PEM (passphrase: ${PASSPHRASE_VARIABLE})`, line.file)
    .addOption(
      new Option('--kms <key>', 'EC key in AWS KMS: id, alias/NAME or ARN, in place of --key').conflicts(
        'key',
      ),
    )
    .option('--chain <file>', 'certificates of that key in PEM, leaf first', line.file)
    .option('--json', 'print the result as JSON')
    .action(line.runs(sign));
}

async function sign(run: Run, folder: string, options: Options): Promise<void> {
  const { print } = run;
  const { signPackage } = await import('../sign/mod.js');
  const { opened, recipeFile } = await signPackage(folder, await signerFor(run, options));
  const { name, version } = opened.manifest;
  const { digest } = opened;
  if (options.json === true) {
    print.json({ name, version, digest, ...(recipeFile === undefined ? {} : { recipeFile }) });
    return;
  }
  print.line(`Signed ${name} ${version}, digest ${digest}`);
  if (recipeFile !== undefined) print.line(`Listed model.sig in ${recipeFile}`);
}

async function signerFor({ environment, aws }: Run, { key, kms, chain }: Options): Promise<Signer> {
  if (kms !== undefined) {
    const { openKmsSigner } = await import('../kms/mod.js');
    return await openKmsSigner({ key: kms, chainFile: chain, aws });
  }
  if (key === undefined) throw new WrongOption('--key <file> or --kms <key>', 'none of them');
  const { readSigner } = await import('../sign/mod.js');
  return await readSigner({
    keyFile: key,
    chainFile: chain,
    passphrase: environment[PASSPHRASE_VARIABLE],
  });
}
