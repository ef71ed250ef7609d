import type { Command } from 'commander';
import { PASSPHRASE_VARIABLE, readSigner, signPackage } from '../sign/mod.js';
import { printJson, printLine } from './output.js';

export function register(program: Command): void {
  program
    .command('sign')
    .description('sign a package (OpenSSF Model Signing v1.0), offline')
    .argument('<package>', 'folder with a manifest.json')
    .requiredOption('--key <file>', `EC private key in PEM (passphrase: ${PASSPHRASE_VARIABLE})`)
    .option('--chain <file>', 'certificates of that key in PEM, leaf first')
    .option('--json', 'print the result as JSON')
    .action(async (folder: string, options: { key: string; chain?: string; json?: boolean }) => {
      const signer = await readSigner({
        keyFile: options.key,
        chainFile: options.chain,
        passphrase: process.env[PASSPHRASE_VARIABLE],
      });
      const { opened, recipeFile } = await signPackage(folder, signer);
      const { manifest, digest } = opened;
      if (options.json === true) {
        return printJson({
          name: manifest.name,
          version: manifest.version,
          digest,
          ...(recipeFile === undefined ? {} : { recipeFile }),
        });
      }
      printLine(`Signed ${manifest.name} ${manifest.version}, digest ${digest}`);
      if (recipeFile !== undefined) printLine(`Listed model.sig in ${recipeFile}`);
    });
}
