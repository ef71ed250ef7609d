import type { Command } from 'commander';
import { systemClock } from '../../src/system/mod.js';
import type { FleetAdminCloud } from '../cloud/fleet-mod.js';
import {
  applyFleet,
  describeFleet,
  describeSteps,
  fleetNamed,
  fleetsYaml,
  importFleets,
  listFleets,
  proposeFleets,
  readDocument,
  readFleets,
  writeFleets,
  writePolicies,
  type FleetProposal,
  type FormerDocument,
  type LeftAlone,
  type PolicyDocument,
} from '../fleet/mod.js';
import { printJson, printLine, printTable } from './output.js';
import { agreed, withCloud } from './session.js';

interface Options {
  readonly fleet?: readonly string[];
  readonly policies?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
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

export function register(program: Command): void {
  const fleet = program
    .command('fleet')
    .description('fleets as a file: thing groups, their devices, and what those need')
    .addHelpText('after', STEPS_FOR_AWS);
  const withFile = (name: string, description: string): Command =>
    fleet
      .command(name)
      .description(description)
      .argument('<file>', 'fleets file (YAML or JSON)')
      .option('--fleet <name...>', 'only these fleets of the file')
      .option('--policies <folder>', 'write policy documents for the devices there; - prints them')
      .option('--json', 'print JSON');
  withFile('plan', 'show what an apply would change, and change nothing').action(
    (file: string, options: Options) => withCloud((cloud) => plan(cloud, file, options)),
  );
  withFile('apply', 'create what is missing in the cloud, and leave the rest alone; safe to repeat')
    .option('--yes', 'do not ask')
    .action((file: string, options: Options) => withCloud((cloud) => apply(cloud, file, options)));
  registerImport(fleet);
  fleet
    .command('list')
    .description('list the fleets of the account')
    .option('--prefix <text>', 'only thing groups whose names start so', '')
    .option('--json', 'print JSON')
    .action((options: { prefix: string; json?: boolean }) => withCloud((cloud) => list(cloud, options)));
  fleet
    .command('describe')
    .description('show a fleet as the cloud has it')
    .argument('<fleet>', 'thing group')
    .option('--json', 'print JSON')
    .action((name: string, options: Options) => withCloud((cloud) => describe(cloud, name, options)));
}

function registerImport(fleet: Command): void {
  fleet
    .command('import')
    .description('write the fleets file that says what documents of SageMaker Edge Manager say')
    .argument(
      '<file...>',
      'JSON of DescribeDeviceFleet, ListDevices or DescribeDevice, or agent configuration files',
    )
    .option('--out <file>', 'where to write it; - prints it', 'fleets.yaml')
    .option('--force', 'replace a file that is there')
    .action(async (files: readonly string[], options: { out: string; force?: boolean }) => {
      const documents: FormerDocument[] = [];
      for (const source of files)
        documents.push({ source, value: await readDocument(source, 'the document') });
      const imported = importFleets(documents);
      const text = fleetsYaml(imported);
      if (options.out === '-') return printLine(text.trimEnd());
      await writeFleets(options.out, text, options.force ?? false);
      printLine(`Wrote ${options.out}: ${Object.keys(imported.file.fleets).join(', ')}`);
      for (const { source, key, reason } of imported.without)
        printLine(`Without counterpart: ${key} (${source}): ${reason}`);
    });
}

async function propose(
  cloud: FleetAdminCloud,
  file: string,
  options: Options,
): Promise<readonly FleetProposal[]> {
  const all = await readFleets(file);
  const chosen = options.fleet === undefined ? all : options.fleet.map((name) => fleetNamed(all, name));
  return proposeFleets(cloud, chosen, systemClock);
}

async function plan(cloud: FleetAdminCloud, file: string, options: Options): Promise<void> {
  const proposals = await propose(cloud, file, options);
  if (options.json === true) {
    printJson(
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
  } else for (const proposal of proposals) printProposal(proposal);
  for (const { fleet, policies } of proposals) await deliver(fleet.name, policies, options);
}

async function apply(cloud: FleetAdminCloud, file: string, options: Options): Promise<void> {
  const proposals = await propose(cloud, file, options);
  if (options.json !== true) for (const proposal of proposals) printProposal(proposal);
  const steps = proposals.reduce((sum, proposal) => sum + proposal.steps.length, 0);
  if (steps > 0 && !(await agreed(options))) return;
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
    if (options.json !== true && done.length > 0) printLine(`Applied ${fleet}: ${done.length} changes`);
    await deliver(fleet, policies, options);
  }
  if (options.json === true) printJson(results);
}

/** Policy documents go to a folder, or to standard output where no JSON goes there. */
async function deliver(
  fleet: string,
  policies: readonly PolicyDocument[] | undefined,
  { policies: target, json }: Options,
): Promise<void> {
  if (target === undefined) return;
  if (policies === undefined) {
    if (json !== true)
      printLine(`The policy documents of ${fleet} come with its apply, when account and region are known`);
    return;
  }
  if (target !== '-') {
    const paths = await writePolicies(target, fleet, policies);
    if (json !== true) printLine(`Wrote ${paths.join(', ')}`);
    return;
  }
  if (json === true) return;
  for (const { name, purpose, document } of policies) {
    printLine(`${name}: ${purpose}`);
    printJson(document);
  }
}

function printProposal({ fleet, steps, leftAlone, warnings }: FleetProposal): void {
  printLine(`${fleet.name} (thing group ${fleet.group})`);
  if (steps.length === 0) printLine('Nothing is missing');
  else {
    const rows = describeSteps(steps);
    printTable(['action', 'on', 'what'], rows.slice(0, MAX_ROWS));
    if (rows.length > MAX_ROWS)
      printLine(`... and ${rows.length - MAX_ROWS} more: --json shows all ${steps.length} steps`);
  }
  if (leftAlone.length > 0) {
    const shown = leftAlone.slice(0, 10).map(leftAloneText).join(', ');
    const more = leftAlone.length > 10 ? ` and ${leftAlone.length - 10} more` : '';
    printLine(`Left alone: ${shown}${more}`);
  }
  for (const warning of warnings) printLine(`Warning: ${warning}`);
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

async function list(cloud: FleetAdminCloud, options: { prefix: string; json?: boolean }): Promise<void> {
  const fleets = await listFleets(cloud, options.prefix);
  if (options.json === true) return printJson(fleets);
  if (fleets.length === 0) return printLine('No fleets yet: edge-manager fleet apply makes them');
  printTable(
    ['fleet', 'thing group', 'output', 'role alias'],
    fleets.map((one) => [
      one.deviceFleetName,
      one.thingGroup,
      one.outputConfig.s3OutputLocation ?? '',
      one.iotRoleAlias ?? '',
    ]),
  );
}

async function describe(cloud: FleetAdminCloud, name: string, options: Options): Promise<void> {
  const found = await describeFleet(cloud, name);
  if (options.json === true) return printJson(found);
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
  printTable(
    ['fleet', found.deviceFleetName],
    rows.map(([key, value]) => [key, value ?? '']),
  );
}
