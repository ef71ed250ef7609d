import { Option, type Command } from 'commander';
import type { Check, SignaturePolicy } from '../../src/model/mod.js';
import type { Printer } from '../print/mod.js';
import type { CommandLine, Run } from './command.js';
import { describeSignature } from './describe-signature.js';
import { choicesOf } from './options.js';

interface Options {
  trust?: readonly string[];
  configuration?: string;
  policy?: SignaturePolicy;
  ignoreClock?: boolean;
  explain?: boolean;
  json?: boolean;
}

const POLICIES = choicesOf<SignaturePolicy>({ required: true, 'if-present': true, off: true });

export function register(program: Command, line: CommandLine): void {
  program
    .command('verify')
    .description('check a package as a device does: its signature, and every byte of every file')
    .argument('<package>', 'folder with a manifest.json', line.file)
    .option('--trust <file>', 'trusted public key or certificate in PEM; repeatable', line.files)
    .option('--configuration <file>', "check by an agent's configuration (JSON or YAML)", line.file)
    .addOption(
      new Option('--policy <policy>', 'signature policy; default: the configured one, or required').choices(
        POLICIES,
      ),
    )
    .option('--ignore-clock', 'do not check dates, as a device whose clock is not set')
    .option('--explain', 'say what was checked, step by step')
    .option('--json', 'print the result as JSON')
    .action(line.runs(verify));
}

async function verify({ print }: Run, folder: string, options: Options): Promise<void> {
  const { systemClock } = await import('../../src/system/mod.js');
  const { verifyPackage } = await import('../sign/mod.js');
  const checks: Check[] = [];
  const asked = {
    policy: options.policy,
    configurationFile: options.configuration,
    keyFiles: options.trust ?? [],
    nowMs: options.ignoreClock === true ? undefined : systemClock.wallMs(),
    explain: (check: Check) => checks.push(check),
  };
  const { manifest, digest, signature } = await verifyPackage(folder, asked).catch((thrown: unknown) => {
    if (options.explain === true) printChecks(print, checks, options.json);
    throw thrown;
  });
  const { name, version } = manifest;
  if (options.json === true) {
    const files = manifest.files.length;
    print.json({ name, version, digest, signature, files, ...(options.explain === true ? { checks } : {}) });
    return;
  }
  if (options.explain === true) printChecks(print, checks);
  print.line(`${name} ${version} is whole: ${manifest.files.length} files, digest ${digest}`);
  print.line(describeSignature(signature));
}

function printChecks(print: Printer, checks: readonly Check[], asJson = false): void {
  if (asJson) return print.json({ checks });
  print.table(
    ['checked', 'outcome', ''],
    checks.map(({ what, outcome, detail = '' }) => [what, outcome, detail]),
  );
}
