import type { Command } from 'commander';
import type { FleetCloud } from '../cloud/fleet/mod.js';
import type { FleetReport } from '../report/mod.js';
import type { CommandLine, Run } from './command.js';
import type { Printer } from '../print/mod.js';
import { withCloud } from './session.js';

interface Options {
  readonly json?: boolean;
  readonly html?: string;
  readonly history?: string;
  readonly setUp?: boolean;
}

export function register(program: Command, line: CommandLine): void {
  program
    .command('report')
    .description('show a fleet: devices, agents, models, latency and captures, from fleet indexing')
    .argument('<fleet>', 'thing group')
    .option('--json', 'print JSON')
    .option('--html <file>', 'write one self-contained page with plots', line.file)
    .option(
      '--history <file>',
      'add this report to a file of JSON Lines; the page draws what is in it over time',
      line.file,
    )
    .option('--set-up', 'turn on the fleet indexing that reports need (AWS charges for it), and end')
    .action(line.runs(withCloud(report)));
}

async function report(run: Run, cloud: FleetCloud, fleet: string, options: Options): Promise<void> {
  const { print } = run;
  const { appendReport, fleetReport, indexHeartbeats } = await import('../report/mod.js');
  const { systemClock } = await import('../../src/system/mod.js');
  if (options.setUp === true) {
    await indexHeartbeats(cloud);
    return print.line('Fleet indexing is being built: the report is whole after some minutes');
  }
  const now = await fleetReport(cloud, fleet, systemClock.wallMs());
  if (options.history !== undefined) await appendReport(options.history, now);
  if (options.html !== undefined) await writePage(run, cloud, options.html, now, options.history);
  if (options.json === true) return print.json(now);
  printReport(print, now);
  if (options.html !== undefined) print.line(`Open ${options.html} in a browser`);
}

async function writePage(
  { print }: Run,
  cloud: FleetCloud,
  path: string,
  now: FleetReport,
  history: string | undefined,
): Promise<void> {
  const { devicesInNeed, readHistory } = await import('../report/mod.js');
  const { reportPage, writeReportPage } = await import('../report-page/mod.js');
  const { rolloutHistory } = await import('../rollout/mod.js');
  const fleet = now.deviceFleetName;
  const kept = history === undefined ? undefined : await readHistory(history, fleet);
  if (kept !== undefined && kept.unreadableLines > 0)
    print.aside(`${history ?? ''}: ${kept.unreadableLines} lines hold no report and were left out`);
  const page = reportPage({
    report: now,
    history: kept?.reports ?? [now],
    inNeed: await devicesInNeed(cloud, fleet),
    deployments: await rolloutHistory(cloud, fleet),
  });
  await writeReportPage(path, page);
}

function printReport(print: Printer, report: FleetReport): void {
  const { deviceFleetName, deviceStats, deviceStates, modelStats, agentVersions } = report;
  const { registeredDeviceCount, connectedDeviceCount } = deviceStats;
  print.line(`${deviceFleetName}: ${registeredDeviceCount} devices, ${connectedDeviceCount} connected`);
  print.table(Object.keys(deviceStates), [Object.values(deviceStates)]);
  print.table(
    ['model', 'version', 'offline', 'connected', 'active', 'sampling', 'drifted'],
    modelStats.map((one) => [
      one.modelName,
      one.modelVersion,
      one.offlineDeviceCount,
      one.connectedDeviceCount,
      one.activeDeviceCount,
      one.samplingDeviceCount,
      one.driftedDeviceCount,
    ]),
  );
  print.table(
    ['agent', 'devices'],
    agentVersions.map((one) => [one.version, one.agentCount]),
  );
  if (report.capture === undefined) return;
  const { deliveredRecords, queuedRecords } = report.capture;
  print.line(
    `captured records: ${deliveredRecords ?? '?'} in S3 since the agents' start, ${queuedRecords ?? '?'} waiting on devices`,
  );
}
