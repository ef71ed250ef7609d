import { Option, type Command } from 'commander';
import type { SignaturePolicy } from '../../src/model/mod.js';
import type { CommandLine, Run } from './command.js';
import { describeSignature } from './describe-signature.js';
import { choicesOf } from './options.js';

interface Options {
  trust?: readonly string[];
  policy: SignaturePolicy;
  ignoreClock?: boolean;
  json?: boolean;
}

const POLICIES = choicesOf<SignaturePolicy>({ required: true, 'if-present': true, off: true });

export function register(program: Command, line: CommandLine): void {
  program
    .command('verify')
    .description('check a package as a device does: its signature, and every byte of every file')
    .argument('<package>', 'folder with a manifest.json', line.file)
    .option('--trust <file>', 'trusted public key or certificate in PEM; repeatable', line.files)
    .addOption(new Option('--policy <policy>', 'signature policy').choices(POLICIES).default('required'))
    .option('--ignore-clock', 'do not check dates, as a device whose clock is not set')
    .option('--json', 'print the result as JSON')
    .action(line.runs(verify));
}

async function verify({ print }: Run, folder: string, options: Options): Promise<void> {
  const { systemClock } = await import('../../src/system/mod.js');
  const { verifyPackage } = await import('../sign/mod.js');
  const opened = await verifyPackage(folder, {
    policy: options.policy,
    keyFiles: options.trust ?? [],
    nowMs: options.ignoreClock === true ? undefined : systemClock.wallMs(),
  });
  const { manifest, digest, signature } = opened;
  const { name, version } = manifest;
  if (options.json === true)
    return print.json({ name, version, digest, signature, files: manifest.files.length });
  print.line(`${name} ${version} is whole: ${manifest.files.length} files, digest ${digest}`);
  print.line(describeSignature(signature));
}
