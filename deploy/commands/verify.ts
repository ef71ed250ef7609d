import { Option, type Command } from 'commander';
import { systemClock } from '../../src/system/mod.js';
import type { OpenedPackage, SignaturePolicy } from '../../src/model/mod.js';
import { verifyPackage } from '../sign/mod.js';
import { printJson, printLine } from './output.js';

interface Options {
  trust: string[];
  policy: SignaturePolicy;
  ignoreClock?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('verify')
    .description('check a package as a device does: its signature, and every byte of every file')
    .argument('<package>', 'folder with a manifest.json')
    .option('--trust <file>', 'trusted public key or certificate in PEM; repeatable', collect, [])
    .addOption(
      new Option('--policy <policy>', 'signature policy')
        .choices(['required', 'if-present', 'off'])
        .default('required'),
    )
    .option('--ignore-clock', 'do not check dates, as a device whose clock is not set')
    .option('--json', 'print the result as JSON')
    .action(async (folder: string, options: Options) => {
      const opened = await verifyPackage(folder, {
        policy: options.policy,
        keyFiles: options.trust,
        nowMs: options.ignoreClock === true ? undefined : systemClock.wallMs(),
      });
      const { manifest, digest, signature } = opened;
      const { name, version } = manifest;
      if (options.json === true)
        return printJson({ name, version, digest, signature, files: manifest.files.length });
      printLine(`${name} ${version} is whole: ${manifest.files.length} files, digest ${digest}`);
      printLine(describeSignature(signature));
    });
}

/** A signature in words. */
export function describeSignature(signature: OpenedPackage['signature']): string {
  switch (signature.state) {
    case 'verified':
      return `Signed by ${signature.signer}`;
    case 'unsigned':
      return 'Not signed';
    case 'unchecked':
      return 'Signature not checked';
  }
}

function collect(value: string, former: string[]): string[] {
  return [...former, value];
}
