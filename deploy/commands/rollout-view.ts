import type { MultiBar, SingleBar } from 'cli-progress';
import type {
  ComponentChange,
  DeviceFailure,
  RolloutProposal,
  RolloutStatus,
  StageStatus,
} from '../rollout/mod.js';
import type { Run } from './command.js';
import type { Printer } from '../print/mod.js';

export function printProposal(
  print: Printer,
  proposal: RolloutProposal,
  options: { readonly json?: boolean },
): void {
  const stages = proposal.plan.stages.map((stage, index) => ({
    name: stage.name,
    devices: proposal.stages[index]?.length ?? 0,
  }));
  if (options.json === true) {
    const { changes, kept, warnings, targetArn } = proposal;
    return print.json({ targetArn, changes, kept, stages, warnings });
  }
  printChanges(print, proposal.changes);
  print.line(`Kept as they are: ${proposal.kept.length === 0 ? 'none' : proposal.kept.join(', ')}`);
  print.table(
    ['stage', 'devices'],
    stages.map((stage) => [stage.name, stage.devices]),
  );
  for (const warning of proposal.warnings) print.line(`Warning: ${warning}`);
}

export function printChanges(print: Printer, changes: readonly ComponentChange[]): void {
  if (changes.length === 0) return print.line('No component changes');
  print.table(
    ['change', 'component', 'from', 'to'],
    changes.map((change) => [
      change.kind,
      change.name,
      change.kind === 'add' ? '' : change.from.componentVersion,
      change.kind === 'remove' ? '' : change.to.componentVersion,
    ]),
  );
}

/** Devices that failed: the nucleus's reason, and what the device's agent says. */
export function printFailures(print: Printer, failures: readonly DeviceFailure[]): void {
  if (failures.length === 0) return;
  print.table(
    ['device', 'status', 'reason'],
    failures.map(({ thing, status, reason, agentReason }) => [
      thing,
      status,
      [reason, agentReason].filter((text) => text !== ''),
    ]),
  );
}

/** Shows a rollout that goes on: bars that move on a terminal, else a line at each change. */
export interface RolloutView {
  show(now: RolloutStatus): void;
  end(): void;
}

export async function rolloutView({ print, screen }: Run): Promise<RolloutView> {
  if (screen === undefined) return new ChangedLines(print);
  const { MultiBar } = await import('cli-progress');
  return new StageBars(
    print,
    new MultiBar({
      format: '{stage} [{bar}] {value}/{total} {state}',
      barCompleteChar: '#',
      barIncompleteChar: '.',
      barsize: 30,
      hideCursor: true,
      stream: screen,
    }),
  );
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
  readonly #print: Printer;
  #last = '';

  constructor(print: Printer) {
    this.#print = print;
  }

  show(now: RolloutStatus): void {
    const line = statusLine(now);
    if (line !== this.#last) this.#print.line(line);
    this.#last = line;
  }

  end(): void {
    this.#last = '';
  }
}

class StageBars implements RolloutView {
  readonly #print: Printer;
  readonly #bars: MultiBar;
  readonly #byStage = new Map<string, SingleBar>();
  #reason = '';

  constructor(print: Printer, bars: MultiBar) {
    this.#print = print;
    this.#bars = bars;
  }

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
    if (this.#reason !== '') this.#print.line(this.#reason);
  }
}
