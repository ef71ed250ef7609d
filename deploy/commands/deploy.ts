import type { Command } from 'commander';
import type { FleetCloud } from '../cloud/fleet/mod.js';
import type { FollowOptions, RolloutStatus } from '../rollout/mod.js';
import type { CommandLine, Run } from './command.js';
import { parseNumber } from './options.js';
import { printChanges, printFailures, printProposal, rolloutView, statusLine } from './rollout-view.js';
import { agreed, withCloud } from './session.js';

interface Common {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly watch?: boolean;
  readonly pollSeconds: number;
  readonly fleets?: string;
  readonly fleet?: string;
}

interface RollbackOptions extends Common {
  readonly owns: readonly string[];
  readonly ratePerMinute: number;
  readonly timeoutMinutes: number;
}

const STEPS_FOR_AWS = `
On AWS, with credentials of the account and AWS_REGION set:
  edge-manager publish greengrass-build -b BUCKET      each component and model version, once
  edge-manager deploy plan rollout.yaml                what an apply would change
  edge-manager deploy apply rollout.yaml               stage by stage; the same command goes on after a kill
  edge-manager deploy status rollout.yaml --watch      from any other machine
  edge-manager deploy rollback FLEET --rate-per-minute 100 --timeout-minutes 30
The plan's keys and the permissions that it takes: docs/rollouts.md`;

export function register(program: Command, line: CommandLine): void {
  const deploy = program
    .command('deploy')
    .description('bring models to fleets, stage by stage')
    .addHelpText('after', STEPS_FOR_AWS);
  registerPlanCommands(line, (name, description) =>
    deploy
      .command(name)
      .description(description)
      .argument('<plan>', 'rollout plan (YAML or JSON)', line.file)
      .option('--fleets <file>', "fleets file: puts the fleet's configuration below the plan's", line.file)
      .option('--fleet <name>', "fleet of that file in place of the plan's")
      .option('--json', 'print JSON'),
  );
  registerRollback(deploy, line);
  deploy
    .command('history')
    .description('show the last deployments of a fleet and its stages, with the devices that failed')
    .argument('<fleet>', 'thing group')
    .option('--json', 'print JSON')
    .action(line.runs(withCloud(history)));
}

function registerPlanCommands(
  line: CommandLine,
  withPlan: (name: string, description: string) => Command,
): void {
  withPlan('plan', 'show what an apply would change, and change nothing').action(line.runs(withCloud(plan)));
  withPlan('apply', 'start a rollout, or go on with it, and follow it to its end')
    .option('--yes', 'do not ask')
    .option('--poll-seconds <n>', 'between two looks', parseNumber, 5)
    .action(line.runs(withCloud(apply)));
  withPlan('status', 'show where a rollout stands')
    .option('--watch', 'look again until it has ended')
    .option('--poll-seconds <n>', 'between two looks', parseNumber, 5)
    .action(line.runs(withCloud(status)));
  withPlan('continue', 'let a stage that waits go on').action(line.runs(withCloud(goOn)));
  withPlan('cancel', 'stop a rollout where it stands').action(line.runs(withCloud(cancel)));
}

function registerRollback(deploy: Command, line: CommandLine): void {
  deploy
    .command('rollback')
    .description(
      'bring a fleet, or the devices of stages that strayed from it, back to the last known-good set',
    )
    .argument('<fleet>', 'thing group')
    .option('--owns <name...>', 'components outside org.edgemanager that are yours', [])
    .option('--yes', 'do not ask')
    .requiredOption('--rate-per-minute <n>', 'devices notified per minute', parseNumber)
    .requiredOption('--timeout-minutes <n>', 'for each device', parseNumber)
    .action(line.runs(withCloud(rollback)));
}

async function plan({ print }: Run, cloud: FleetCloud, file: string, options: Common): Promise<void> {
  const { proposeRollout } = await import('../rollout/mod.js');
  printProposal(print, await proposeRollout(cloud, await readPlan(file, options)), options);
}

async function apply(run: Run, cloud: FleetCloud, file: string, options: Common): Promise<number | void> {
  const { applyRollout, proposeRollout, rolloutFailures } = await import('../rollout/mod.js');
  const { print } = run;
  const wanted = await readPlan(file, options);
  const proposal = await proposeRollout(cloud, wanted);
  if (options.json !== true) printProposal(print, proposal, options);
  if (!(await agreed(run, options))) return;
  const end = await shown(run, options, async (follow) => (await applyRollout(cloud, wanted, follow)).status);
  const failures = await rolloutFailures(cloud, proposal.plan, end);
  if (options.json === true) print.json({ ...end, failures });
  else {
    print.line(endLine(end));
    printFailures(print, failures);
  }
  return exitCodeOf(end);
}

async function status(run: Run, cloud: FleetCloud, file: string, options: Common): Promise<number> {
  const { systemClock } = await import('../../src/system/mod.js');
  const { checkPlan, rolloutFailures, rolloutStatus, watchRollout } = await import('../rollout/mod.js');
  const { print } = run;
  const wanted = await readPlan(file, options);
  const watches = options.watch === true;
  const now = watches
    ? await shown(run, options, (follow) => watchRollout(cloud, wanted, follow))
    : await rolloutStatus(cloud, wanted, systemClock);
  const failures = await rolloutFailures(cloud, checkPlan(wanted), now);
  if (options.json === true) print.json({ ...now, failures });
  else {
    print.line(watches ? endLine(now) : statusLine(now));
    printFailures(print, failures);
  }
  return watches ? exitCodeOf(now) : 0;
}

async function goOn({ print }: Run, cloud: FleetCloud, file: string, options: Common): Promise<void> {
  const { systemClock } = await import('../../src/system/mod.js');
  const { checkPlan, continueRollout } = await import('../rollout/mod.js');
  await continueRollout(cloud, checkPlan(await readPlan(file, options)), systemClock);
  print.line('The next stage starts with deploy apply, or with the one that is running');
}

async function cancel({ print }: Run, cloud: FleetCloud, file: string, options: Common): Promise<void> {
  const { systemClock } = await import('../../src/system/mod.js');
  const { cancelRollout, checkPlan } = await import('../rollout/mod.js');
  await cancelRollout(cloud, checkPlan(await readPlan(file, options)), systemClock);
  print.line('Canceled: devices that have it keep it; deploy rollback brings them back');
}

async function rollback(run: Run, cloud: FleetCloud, fleet: string, options: RollbackOptions): Promise<void> {
  const { applyRollback, proposeRollback } = await import('../rollout/mod.js');
  const back = await proposeRollback(cloud, fleet, options.owns);
  printChanges(run.print, back.changes);
  if (!(await agreed(run, options))) return;
  const limits = {
    maximumPerMinute: options.ratePerMinute,
    abort: { thresholdPercentage: 100, minNumberOfExecutedThings: 10 },
    timeoutMinutes: options.timeoutMinutes,
  };
  for (const id of await applyRollback(cloud, fleet, back, limits))
    run.print.line(`Created the deployment ${id}`);
}

async function history(
  { print }: Run,
  cloud: FleetCloud,
  fleet: string,
  options: { readonly json?: boolean },
): Promise<void> {
  const { rolloutHistory } = await import('../rollout/mod.js');
  const entries = await rolloutHistory(cloud, fleet);
  if (options.json === true) return print.json(entries);
  print.table(
    ['created', 'target', 'state', 'purpose', 'devices', 'components'],
    entries.map((one) => [
      new Date(one.createdAtMs).toISOString().slice(0, 19),
      `${one.target} ${one.revision}`,
      one.state,
      one.purpose,
      `${one.succeededDevices} well, ${one.failedDevices} failed`,
      Object.entries(one.components).map((pair) => pair.join(' ')),
    ]),
  );
  for (const { name, reason } of entries.filter((one) => one.reason !== '')) print.line(`${name}: ${reason}`);
  const failures = entries.flatMap((one) => one.failures.map((failure) => ({ name: one.name, ...failure })));
  if (failures.length === 0) return;
  print.table(
    ['deployment', 'device', 'status', 'reason'],
    failures.map(({ name, thing, status, reason }) => [name, thing, status, reason]),
  );
}

/** Follows a rollout before the eyes of a person. */
async function shown(
  run: Run,
  options: Common,
  follow: (how: FollowOptions) => Promise<RolloutStatus>,
): Promise<RolloutStatus> {
  const { systemClock } = await import('../../src/system/mod.js');
  const how = { clock: systemClock, pollMs: options.pollSeconds * 1000, stopWhenWaiting: true };
  if (options.json === true) return follow(how);
  const view = await rolloutView(run);
  try {
    return await follow({ ...how, onStatus: (now) => view.show(now) });
  } finally {
    view.end();
  }
}

/** A rollout that ended otherwise than it should ends with 1. */
function exitCodeOf({ outcome }: RolloutStatus): number {
  return outcome === 'SUCCEEDED' || outcome === 'WAITING' ? 0 : 1;
}

function endLine({ outcome, reason }: RolloutStatus): string {
  switch (outcome) {
    case 'SUCCEEDED':
      return 'The rollout has succeeded';
    case 'WAITING':
      return 'A stage waits for a person: deploy continue, then deploy apply';
    case 'ROLLED_BACK':
      return `The rollout was taken back: ${reason}`;
    case 'STOPPED':
      return `The rollout has stopped where it stood: ${reason}. deploy rollback brings its devices back`;
    case 'CANCELED':
      return 'The rollout was canceled. deploy rollback brings its devices back';
    case 'RUNNING':
    case 'ROLLING_BACK':
      return `The rollout goes on: ${outcome}`;
  }
}

/** All commands of a rollout must be given the same files: the plan as a whole tells rollouts apart. */
async function readPlan(file: string, { fleets, fleet }: Common): Promise<unknown> {
  const { planForFleet, readDocument, readFleets } = await import('../fleet/mod.js');
  const wanted = await readDocument(file, 'the rollout plan');
  if (fleets !== undefined) return planForFleet(wanted, await readFleets(fleets), fleet);
  if (fleet === undefined) return wanted;
  const { EdgeError } = await import('../../src/core/mod.js');
  throw new EdgeError('OPTION_INVALID', 'Cannot use --fleet without --fleets', {
    nextStep: 'Give the fleets file too: --fleets fleets.yaml',
  });
}
