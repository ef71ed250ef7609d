import type { Command } from 'commander';
import { EdgeError } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
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
  watchRollout,
  type FollowOptions,
  type RolloutStatus,
} from '../rollout/mod.js';
import { parseNumber, printJson, printLine, printTable } from './output.js';
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

const STEPS_FOR_AWS = `
On AWS, with credentials of the account and AWS_REGION set:
  edge-manager publish greengrass-build -b BUCKET      each component and model version, once
  edge-manager deploy plan rollout.yaml                what an apply would change
  edge-manager deploy apply rollout.yaml               stage by stage; the same command goes on after a kill
  edge-manager deploy status rollout.yaml --watch      from any other machine
  edge-manager deploy rollback FLEET --rate-per-minute 100 --timeout-minutes 30
The plan's keys and the permissions that it takes: docs/rollouts.md`;

export function register(program: Command): void {
  const deploy = program
    .command('deploy')
    .description('bring models to fleets, stage by stage')
    .addHelpText('after', STEPS_FOR_AWS);
  registerPlanCommands((name, description) =>
    deploy
      .command(name)
      .description(description)
      .argument('<plan>', 'rollout plan (YAML or JSON)')
      .option('--fleets <file>', "fleets file: puts the fleet's configuration below the plan's")
      .option('--fleet <name>', "fleet of that file in place of the plan's")
      .option('--json', 'print JSON'),
  );
  registerRollback(deploy);
  registerHistory(deploy);
}

function registerPlanCommands(withPlan: (name: string, description: string) => Command): void {
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
}

function registerRollback(deploy: Command): void {
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
          for (const id of await applyRollback(cloud, fleet, back, limits))
            printLine(`Created the deployment ${id}`);
        }),
    );
}

function registerHistory(deploy: Command): void {
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
    const end = await shown(options, (onStatus) =>
      applyRollout(cloud, plan, { ...followed(options), onStatus }).then(({ status: last }) => last),
    );
    if (options.json === true) return printJson(end);
    printLine(endLine(end));
    await printFailures(cloud, end);
  });
}

async function status(file: string, options: Common): Promise<void> {
  await withCloud(async (cloud) => {
    const plan = await readPlan(file, options);
    const now =
      options.watch === true
        ? await shown(options, (onStatus) => watchRollout(cloud, plan, { ...followed(options), onStatus }))
        : await rolloutStatus(cloud, plan, systemClock);
    if (options.json === true) return printJson(now);
    printLine(options.watch === true ? endLine(now) : statusLine(now));
    await printFailures(cloud, now);
  });
}

function followed(options: Common): FollowOptions {
  return { clock: systemClock, pollMs: options.pollSeconds * 1000, stopWhenWaiting: true };
}

/** Follows a rollout before the eyes of a person. A rollout that ended otherwise than it should ends with 1. */
async function shown(
  options: Common,
  follow: (onStatus: (now: RolloutStatus) => void) => Promise<RolloutStatus>,
): Promise<RolloutStatus> {
  const view = rolloutView();
  try {
    const end = await follow((now) => {
      if (options.json !== true) view.show(now);
    });
    if (end.outcome !== 'SUCCEEDED' && end.outcome !== 'WAITING') process.exitCode = 1;
    return end;
  } finally {
    if (options.json !== true) view.end();
  }
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
  const plan = await readDocument(file, 'the rollout plan');
  if (fleets !== undefined) return planForFleet(plan, await readFleets(fleets), fleet);
  if (fleet === undefined) return plan;
  throw new EdgeError('OPTION_INVALID', 'Cannot use --fleet without --fleets', {
    nextStep: 'Give the fleets file too: --fleets fleets.yaml',
  });
}
