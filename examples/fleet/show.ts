import Table from 'cli-table3';
import type { FleetReport } from '../../deploy/report/mod.js';
import type { RolloutStatus } from '../../deploy/rollout/mod.js';
import type { DemoRollout } from './summary.js';

const plain = { style: { head: [], border: [] } };

/** For people, on standard error: standard output is for the line of figures. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function statusLine(status: RolloutStatus): string {
  const stages = status.stages.map(({ name, devices, counts, state, detail }) => {
    const done = counts === undefined ? '' : ` ${counts.succeeded}/${devices}`;
    return `${name} ${state}${done}${detail === '' ? '' : ` (${detail})`}`;
  });
  return `  ${status.outcome}: ${stages.join(', ')}${status.reason === '' ? '' : `: ${status.reason}`}`;
}

export function printFleetReport(title: string, report: FleetReport): void {
  const { registeredDeviceCount, connectedDeviceCount } = report.deviceStats;
  const table = new Table({ head: ['model', 'version', 'connected', 'active', 'drifted'], ...plain });
  for (const one of report.modelStats) {
    const { modelName, modelVersion, connectedDeviceCount: connected, activeDeviceCount } = one;
    table.push([modelName, modelVersion, connected, activeDeviceCount, one.driftedDeviceCount]);
  }
  say(`\n${title}: ${registeredDeviceCount} devices, ${connectedDeviceCount} connected`);
  say(`${table.toString()}\n`);
}

export function printRollouts(rollouts: readonly DemoRollout[], lost: readonly string[]): void {
  const head = ['version', 'outcome', 'updated', 'rolled back', 'untouched', 'stages', 'seconds'];
  const table = new Table({ head, ...plain });
  for (const one of rollouts) {
    const stages = one.stages.map(({ name, devices, state }) => `${name} (${devices}) ${state}`).join('\n');
    table.push([
      one.version,
      one.outcome,
      one.devicesUpdated,
      one.devicesRolledBack,
      one.devicesUntouched,
      stages,
      one.seconds,
    ]);
  }
  say(table.toString());
  say(`components of others lost: ${lost.length === 0 ? 'none' : lost.join(', ')}\n`);
}
