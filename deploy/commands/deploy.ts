import type { Command } from 'commander';
import { EdgeError } from '../../src/core/mod.js';
import { systemClock } from '../../src/fs/mod.js';
import type { FleetCloud } from '../cloud/fleet-mod.js';
import { planForFleet, readDocument, readFleets } from '../fleet/mod.js';
import {
  applyRollback,
  applyRollout,
  cancelRollout,
  checkPlan,
  continueRollout,
  proposeRollback,
  proposeRollout,
  rolloutHistory,
  rolloutStatus,
  type ComponentChange,
  type RolloutProposal,
  type RolloutStatus,
} from '../rollout/mod.js';
import { parseNumber, printJson, printLine, printTable } from './output.js';
import { agreed, withCloud } from './session.js';

interface Common {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly watch?: boolean;
  readonly pollSeconds: number;
  readonly fleets?: string;
  readonly fleet?: string;
}

export function register(program: Command): void {
  const deploy = program.command('deploy').description('bring models to fleets, stage by stage');
  const withPlan = (name: string, description: string): Command =>
    deploy
      .command(name)
      .description(description)
      .argument('<plan>', 'rollout plan (YAML or JSON)')
      .option('--fleets <file>', "fleets file: puts the fleet's configuration below the plan's")
      .option('--fleet <name>', "fleet of that file in place of the plan's")
      .option('--json', 'print JSON');
  withPlan('plan', 'show what an apply would change, and change nothing').action(
    (file: string, options: Common) =>
      withCloud(async (cloud) =>
        printProposal(await proposeRollout(cloud, await readPlan(file, options)), options),
      ),
  );
  withPlan('apply', 'start a rollout, or go on with it, and follow it to its end')
    .option('--yes', 'do not ask')
    .option('--poll-seconds <n>', 'between two looks', parseNumber, 5)
    .action(apply);
  withPlan('status', 'show where a rollout stands')
    .option('--watch', 'look again until it has ended')
    .option('--poll-seconds <n>', 'between two looks', parseNumber, 5)
    .action(status);
  withPlan('continue', 'let a stage that waits go on').action((file: string, options: Common) =>
    withCloud(async (cloud) => {
      await continueRollout(cloud, checkPlan(await readPlan(file, options)), systemClock);
      printLine('The next stage starts with deploy apply, or with the one that is running');
    }),
  );
  withPlan('cancel', 'stop a rollout where it stands').action((file: string, options: Common) =>
    withCloud(async (cloud) => {
      await cancelRollout(cloud, checkPlan(await readPlan(file, options)), systemClock);
      printLine('Canceled: devices that have it keep it; deploy rollback brings them back');
    }),
  );
  registerFleetCommands(deploy);
}

function registerFleetCommands(deploy: Command): void {
  deploy
    .command('rollback')
    .description('bring a fleet back to its last known-good set')
    .argument('<fleet>', 'thing group')
    .option('--owns <name...>', 'components outside org.edgemanager that are yours', [])
    .option('--yes', 'do not ask')
    .requiredOption('--rate-per-minute <n>', 'devices notified per minute', parseNumber)
    .requiredOption('--timeout-minutes <n>', 'for each device', parseNumber)
    .action(
      (fleet: string, options: Common & { owns: string[]; ratePerMinute: number; timeoutMinutes: number }) =>
        withCloud(async (cloud) => {
          const back = await proposeRollback(cloud, fleet, options.owns);
          printChanges(back.changes);
          if (!(await agreed(options))) return;
          const abort = { thresholdPercentage: 100, minNumberOfExecutedThings: 10 };
          const limits = {
            maximumPerMinute: options.ratePerMinute,
            abort,
            timeoutMinutes: options.timeoutMinutes,
          };
          printLine(`Created the deployment ${await applyRollback(cloud, fleet, back, limits)}`);
        }),
    );
  deploy
    .command('history')
    .description('show the last deployments of a fleet')
    .argument('<fleet>', 'thing group')
    .option('--json', 'print JSON')
    .action((fleet: string, options: Common) =>
      withCloud(async (cloud) => {
        const entries = await rolloutHistory(cloud, fleet);
        if (options.json === true) return printJson(entries);
        printTable(
          ['revision', 'created', 'state', 'purpose', 'components'],
          entries.map((one) => [
            one.revision,
            new Date(one.createdAtMs).toISOString(),
            one.state,
            one.purpose,
            Object.entries(one.components)
              .map((pair) => pair.join(' '))
              .join('\n'),
          ]),
        );
      }),
    );
}

async function apply(file: string, options: Common): Promise<void> {
  await withCloud(async (cloud) => {
    const plan = await readPlan(file, options);
    const proposal = await proposeRollout(cloud, plan);
    if (options.json !== true) printProposal(proposal, options);
    if (!(await agreed(options))) return;
    const { status: end } = await applyRollout(cloud, plan, {
      clock: systemClock,
      pollMs: options.pollSeconds * 1000,
      stopWhenWaiting: true,
      onStatus: (now) => {
        if (options.json !== true) printStatus(now);
      },
    });
    if (options.json === true) printJson(end);
    if (end.outcome !== 'SUCCEEDED' && end.outcome !== 'WAITING') process.exitCode = 1;
  });
}

async function status(file: string, options: Common): Promise<void> {
  await withCloud(async (cloud) => {
    const plan = await readPlan(file, options);
    for (;;) {
      const now = await rolloutStatus(cloud, plan, systemClock);
      if (options.json === true) printJson(now);
      else {
        printStatus(now);
        await printFailures(cloud, now);
      }
      if (options.watch !== true || !['RUNNING', 'ROLLING_BACK'].includes(now.outcome)) return;
      await systemClock.sleep(options.pollSeconds * 1000);
    }
  });
}

async function printFailures(cloud: FleetCloud, now: RolloutStatus): Promise<void> {
  for (const stage of now.stages) {
    const { counts, jobId } = stage;
    if (
      jobId === undefined ||
      counts === undefined ||
      counts.failed + counts.timedOut + counts.rejected === 0
    )
      continue;
    const failed = await cloud.failedDevices(jobId, 20);
    printTable(
      ['device', 'status', 'reason'],
      failed.map((one) => [one.thing, one.status, one.reason]),
    );
  }
}

function printProposal(proposal: RolloutProposal, options: Common): void {
  const stages = proposal.plan.stages.map((stage, index) => ({
    name: stage.name,
    devices: proposal.stages[index]?.length ?? 0,
  }));
  if (options.json === true) {
    const { changes, kept, warnings, targetArn } = proposal;
    return printJson({ targetArn, changes, kept, stages, warnings });
  }
  printChanges(proposal.changes);
  printLine(`Kept as they are: ${proposal.kept.length === 0 ? 'none' : proposal.kept.join(', ')}`);
  printTable(
    ['stage', 'devices'],
    stages.map((stage) => [stage.name, stage.devices]),
  );
  for (const warning of proposal.warnings) printLine(`Warning: ${warning}`);
}

function printChanges(changes: readonly ComponentChange[]): void {
  if (changes.length === 0) return printLine('No component changes');
  printTable(
    ['change', 'component', 'from', 'to'],
    changes.map((change) => [
      change.kind,
      change.name,
      change.kind === 'add' ? '' : change.from.componentVersion,
      change.kind === 'remove' ? '' : change.to.componentVersion,
    ]),
  );
}

function printStatus(now: RolloutStatus): void {
  const stages = now.stages.map((stage) => {
    const done = stage.counts?.succeeded ?? (stage.state === 'HEALTHY' ? stage.devices : 0);
    const bar = '#'
      .repeat(Math.min(20, Math.round((20 * done) / Math.max(1, stage.devices))))
      .padEnd(20, '.');
    return `${stage.name} [${bar}] ${done}/${stage.devices} ${stage.state}${stage.detail === '' ? '' : ` (${stage.detail})`}`;
  });
  printLine(`${now.outcome}  ${stages.join('  ')}${now.reason === '' ? '' : `  ${now.reason}`}`);
}

/** All commands of a rollout must be given the same files: the plan as a whole tells rollouts apart. */
async function readPlan(file: string, { fleets, fleet }: Common): Promise<unknown> {
  const plan = await readDocument(file, 'the rollout plan');
  if (fleets !== undefined) return planForFleet(plan, await readFleets(fleets), fleet);
  if (fleet === undefined) return plan;
  throw new EdgeError('INVALID_ARGUMENT', 'Cannot use --fleet without --fleets', {
    nextStep: 'Give the fleets file too: --fleets fleets.yaml',
  });
}
