import { MultiBar, type SingleBar } from 'cli-progress';
import type { FleetCloud } from '../cloud/fleet-mod.js';
import type { ComponentChange, RolloutProposal, RolloutStatus, StageStatus } from '../rollout/mod.js';
import { printJson, printLine, printTable } from './output.js';

export function printProposal(proposal: RolloutProposal, options: { readonly json?: boolean }): void {
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

export function printChanges(changes: readonly ComponentChange[]): void {
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

/** Devices that failed, with Greengrass's reason, of each stage that has some. */
export async function printFailures(cloud: FleetCloud, now: RolloutStatus): Promise<void> {
  for (const { jobId, counts } of now.stages) {
    if (jobId === undefined || counts === undefined) continue;
    if (counts.failed + counts.timedOut + counts.rejected === 0) continue;
    const failed = await cloud.failedDevices(jobId, 20);
    printTable(
      ['device', 'status', 'reason'],
      failed.map((one) => [one.thing, one.status, one.reason]),
    );
  }
}

/** Shows a rollout that goes on: bars that move on a terminal, else a line at each change. */
export interface RolloutView {
  show(now: RolloutStatus): void;
  end(): void;
}

export function rolloutView(): RolloutView {
  return process.stdout.isTTY ? new StageBars() : new ChangedLines();
}

export function statusLine(now: RolloutStatus): string {
  const stages = now.stages.map((stage) => {
    const done = doneOf(stage);
    const filled = Math.min(20, Math.round((20 * done) / Math.max(1, stage.devices)));
    return `${stage.name} [${'#'.repeat(filled).padEnd(20, '.')}] ${done}/${stage.devices} ${stateOf(stage)}`;
  });
  return `${now.outcome}  ${stages.join('  ')}${now.reason === '' ? '' : `  ${now.reason}`}`;
}

function doneOf({ counts, devices, state }: StageStatus): number {
  return Math.min(devices, counts?.succeeded ?? (state === 'HEALTHY' ? devices : 0));
}

function stateOf({ state, detail }: StageStatus): string {
  return detail === '' ? state : `${state} (${detail})`;
}

class ChangedLines implements RolloutView {
  #last = '';

  show(now: RolloutStatus): void {
    const line = statusLine(now);
    if (line !== this.#last) printLine(line);
    this.#last = line;
  }

  end(): void {
    this.#last = '';
  }
}

class StageBars implements RolloutView {
  readonly #bars = new MultiBar({
    format: '{stage} [{bar}] {value}/{total} {state}',
    barCompleteChar: '#',
    barIncompleteChar: '.',
    barsize: 30,
    hideCursor: true,
  });
  readonly #byStage = new Map<string, SingleBar>();
  #reason = '';

  show(now: RolloutStatus): void {
    const width = Math.max(...now.stages.map(({ name }) => name.length));
    this.#reason = now.reason;
    for (const stage of now.stages) {
      const payload = { stage: stage.name.padEnd(width), state: stateOf(stage) };
      const bar = this.#byStage.get(stage.name) ?? this.#bars.create(Math.max(1, stage.devices), 0, payload);
      this.#byStage.set(stage.name, bar);
      bar.update(doneOf(stage), payload);
    }
    this.#bars.update();
  }

  end(): void {
    this.#bars.stop();
    if (this.#reason !== '') printLine(this.#reason);
  }
}
