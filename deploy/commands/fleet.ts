import type { Command } from 'commander';
import type { FleetCloud } from '../cloud/fleet/mod.js';
import type { FleetProposal, FormerDocument, LeftAlone, PolicyDocument } from '../fleet/mod.js';
import type { CommandLine, Run } from './command.js';
import type { Printer } from '../print/mod.js';
import { agreed, withCloud } from './session.js';

interface Options {
  readonly fleet?: readonly string[];
  readonly policies?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface ImportOptions {
  readonly out: string;
  readonly force?: boolean;
}

/** Rows of a table that a person still reads; --json has all. */
const MAX_ROWS = 50;

const STEPS_FOR_AWS = `
On AWS, with credentials of the account and AWS_REGION set:
  edge-manager fleet plan fleets.yaml                        what an apply would change
  edge-manager fleet apply fleets.yaml --policies policies   does it, and writes policy documents
  aws iam put-role-policy --role-name ROLE --policy-name edge-manager-FLEET \\
    --policy-document file://policies/FLEET/device-role-policy.json
  edge-manager fleet describe FLEET
  edge-manager deploy apply PLAN --fleets fleets.yaml
The file's keys and the permissions that it takes: docs/fleets.md`;

export function register(program: Command, line: CommandLine): void {
  const fleet = program
    .command('fleet')
    .description('fleets as a file: thing groups, their devices, and what those need')
    .addHelpText('after', STEPS_FOR_AWS);
  const withFile = (name: string, description: string): Command =>
    fleet
      .command(name)
      .description(description)
      .argument('<file>', 'fleets file (YAML or JSON)', line.file)
      .option('--fleet <name...>', 'only these fleets of the file')
      .option('--policies <folder>', 'write policy documents for the devices there; - prints them', line.file)
      .option('--json', 'print JSON');
  withFile('plan', 'show what an apply would change, and change nothing').action(line.runs(withCloud(plan)));
  withFile('apply', 'create what is missing in the cloud, and leave the rest alone; safe to repeat')
    .option('--yes', 'do not ask')
    .action(line.runs(withCloud(apply)));
  registerImport(fleet, line);
  fleet
    .command('list')
    .description('list the fleets of the account')
    .option('--prefix <text>', 'only thing groups whose names start so', '')
    .option('--json', 'print JSON')
    .action(line.runs(withCloud(list)));
  fleet
    .command('describe')
    .description('show a fleet as the cloud has it')
    .argument('<fleet>', 'thing group')
    .option('--json', 'print JSON')
    .action(line.runs(withCloud(describe)));
}

function registerImport(fleet: Command, line: CommandLine): void {
  fleet
    .command('import')
    .description('write the fleets file that says what documents of SageMaker Edge Manager say')
    .argument(
      '<file...>',
      'JSON of DescribeDeviceFleet, ListDevices or DescribeDevice, or agent configuration files',
      line.files,
    )
    .option('--out <file>', 'where to write it; - prints it', line.file, line.file('fleets.yaml'))
    .option('--force', 'replace a file that is there')
    .action(line.runs(importFormer));
}

async function importFormer({ print }: Run, files: readonly string[], options: ImportOptions): Promise<void> {
  const { fleetsYaml, importFleets, readDocument, writeFleets } = await import('../fleet/mod.js');
  const documents: FormerDocument[] = [];
  for (const source of files) documents.push({ source, value: await readDocument(source, 'the document') });
  const imported = importFleets(documents);
  const text = fleetsYaml(imported);
  if (options.out === '-') return print.line(text.trimEnd());
  await writeFleets(options.out, text, options.force ?? false);
  print.line(`Wrote ${options.out}: ${Object.keys(imported.file.fleets).join(', ')}`);
  for (const { source, key, reason } of imported.without)
    print.line(`Without counterpart: ${key} (${source}): ${reason}`);
}

async function propose(cloud: FleetCloud, file: string, options: Options): Promise<readonly FleetProposal[]> {
  const { systemClock } = await import('../../src/system/mod.js');
  const { fleetNamed, proposeFleets, readFleets } = await import('../fleet/mod.js');
  const all = await readFleets(file);
  const chosen = options.fleet === undefined ? all : options.fleet.map((name) => fleetNamed(all, name));
  return proposeFleets(cloud, chosen, systemClock);
}

async function plan(run: Run, cloud: FleetCloud, file: string, options: Options): Promise<void> {
  const { print } = run;
  const proposals = await propose(cloud, file, options);
  if (options.json === true) {
    print.json(
      proposals.map(({ fleet, groupArn, steps, leftAlone, warnings, policies }) => ({
        fleet: fleet.name,
        thingGroup: fleet.group,
        groupArn,
        steps,
        leftAlone,
        warnings,
        policies: policies?.map(({ name, document }) => ({ name, document })),
      })),
    );
  } else for (const proposal of proposals) await printProposal(print, proposal);
  for (const { fleet, policies } of proposals) await deliver(print, fleet.name, policies, options);
}

async function apply(run: Run, cloud: FleetCloud, file: string, options: Options): Promise<void> {
  const { print } = run;
  const { applyFleet } = await import('../fleet/mod.js');
  const proposals = await propose(cloud, file, options);
  if (options.json !== true) for (const proposal of proposals) await printProposal(print, proposal);
  const steps = proposals.reduce((sum, proposal) => sum + proposal.steps.length, 0);
  if (steps > 0 && !(await agreed(run, options))) return;
  const results: unknown[] = [];
  for (const proposal of proposals) {
    const { fleet, group, groupArn, done, policies } = await applyFleet(cloud, proposal);
    results.push({
      fleet,
      thingGroup: group,
      groupArn,
      done,
      leftAlone: proposal.leftAlone,
      warnings: proposal.warnings,
    });
    if (options.json !== true && done.length > 0) print.line(`Applied ${fleet}: ${done.length} changes`);
    await deliver(print, fleet, policies, options);
  }
  if (options.json === true) print.json(results);
}

/** Policy documents go to a folder, or to standard output where no JSON goes there. */
async function deliver(
  print: Printer,
  fleet: string,
  policies: readonly PolicyDocument[] | undefined,
  { policies: target, json }: Options,
): Promise<void> {
  if (target === undefined) return;
  if (policies === undefined) {
    if (json !== true)
      print.line(`The policy documents of ${fleet} come with its apply, when account and region are known`);
    return;
  }
  if (target !== '-') {
    const { writePolicies } = await import('../fleet/mod.js');
    const paths = await writePolicies(target, fleet, policies);
    if (json !== true) print.line(`Wrote ${paths.join(', ')}`);
    return;
  }
  if (json === true) return;
  for (const { name, purpose, document } of policies) {
    print.line(`${name}: ${purpose}`);
    print.json(document);
  }
}

async function printProposal(
  print: Printer,
  { fleet, steps, leftAlone, warnings }: FleetProposal,
): Promise<void> {
  const { describeSteps } = await import('../fleet/mod.js');
  print.line(`${fleet.name} (thing group ${fleet.group})`);
  if (steps.length === 0) print.line('Nothing is missing');
  else {
    const rows = describeSteps(steps);
    print.table(['action', 'on', 'what'], rows.slice(0, MAX_ROWS));
    if (rows.length > MAX_ROWS)
      print.line(`... and ${rows.length - MAX_ROWS} more: --json shows all ${steps.length} steps`);
  }
  if (leftAlone.length > 0) {
    const shown = leftAlone.slice(0, 10).map(leftAloneText).join(', ');
    const more = leftAlone.length > 10 ? ` and ${leftAlone.length - 10} more` : '';
    print.line(`Left alone: ${shown}${more}`);
  }
  for (const warning of warnings) print.line(`Warning: ${warning}`);
}

function leftAloneText(one: LeftAlone): string {
  switch (one.kind) {
    case 'member':
      return `member ${one.name}`;
    case 'tag':
      return `tag ${one.name}=${one.value}`;
    case 'description':
      return `description '${one.value}'`;
  }
}

async function list(
  { print }: Run,
  cloud: FleetCloud,
  options: { prefix: string; json?: boolean },
): Promise<void> {
  const { listFleets } = await import('../fleet/mod.js');
  const fleets = await listFleets(cloud, options.prefix);
  if (options.json === true) return print.json(fleets);
  if (fleets.length === 0) return print.line('No fleets yet: edge-manager fleet apply makes them');
  print.table(
    ['fleet', 'thing group', 'output', 'role alias'],
    fleets.map((one) => [
      one.deviceFleetName,
      one.thingGroup,
      one.outputConfig.s3OutputLocation ?? '',
      one.iotRoleAlias ?? '',
    ]),
  );
}

async function describe({ print }: Run, cloud: FleetCloud, name: string, options: Options): Promise<void> {
  const { describeFleet } = await import('../fleet/mod.js');
  const found = await describeFleet(cloud, name);
  if (options.json === true) return print.json(found);
  const { outputConfig, tags } = found;
  const rows: (readonly [string, string | number | undefined])[] = [
    ['thing group', found.deviceFleetArn],
    ['description', found.description],
    ['created', found.creationTime],
    ['output', outputConfig.s3OutputLocation],
    ['KMS key', outputConfig.kmsKeyId],
    ['role alias', found.iotRoleAlias],
    ['role', found.roleArn],
    ['artifact bucket', found.artifactBucket],
    ['devices', found.registeredDeviceCount],
    ...Object.entries(tags).map(([key, value]): [string, string] => [`tag ${key}`, value]),
  ];
  print.table(
    ['fleet', found.deviceFleetName],
    rows.map(([key, value]) => [key, value ?? '']),
  );
}
