import type { Command } from 'commander';
import { writeFileDurably } from '../../src/disk/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { EdgeError, messageOf } from '../../src/core/mod.js';
import type { FleetAdminCloud } from '../cloud/fleet-mod.js';
import {
  appendReport,
  devicesInNeed,
  fleetReport,
  indexHeartbeats,
  readHistory,
  reportPage,
  type FleetReport,
} from '../report/mod.js';
import { rolloutHistory } from '../rollout/mod.js';
import { printJson, printLine, printTable } from './output.js';
import { withCloud } from './session.js';

interface Options {
  readonly json?: boolean;
  readonly html?: string;
  readonly history?: string;
  readonly setUp?: boolean;
}

export function register(program: Command): void {
  program
    .command('report')
    .description('show a fleet: devices, agents, models, latency and captures, from fleet indexing')
    .argument('<fleet>', 'thing group')
    .option('--json', 'print JSON')
    .option('--html <file>', 'write one self-contained page with plots')
    .option(
      '--history <file>',
      'add this report to a file of JSON Lines; the page draws what is in it over time',
    )
    .option('--set-up', 'turn on the fleet indexing that reports need (AWS charges for it), and end')
    .action((fleet: string, options: Options) => withCloud((cloud) => report(cloud, fleet, options)));
}

async function report(cloud: FleetAdminCloud, fleet: string, options: Options): Promise<void> {
  if (options.setUp === true) {
    await indexHeartbeats(cloud);
    return printLine('Fleet indexing is being built: the report is whole after some minutes');
  }
  const now = await fleetReport(cloud, fleet, systemClock.wallMs());
  if (options.history !== undefined) await appendReport(options.history, now);
  if (options.html !== undefined) await writePage(cloud, options.html, now, options.history);
  if (options.json === true) return printJson(now);
  printReport(now);
  if (options.html !== undefined) printLine(`Open ${options.html} in a browser`);
}

async function writePage(
  cloud: FleetAdminCloud,
  path: string,
  now: FleetReport,
  history: string | undefined,
): Promise<void> {
  const fleet = now.deviceFleetName;
  const kept = history === undefined ? undefined : await readHistory(history, fleet);
  if (kept !== undefined && kept.unreadableLines > 0)
    process.stderr.write(
      `${history ?? ''}: ${kept.unreadableLines} lines hold no report and were left out\n`,
    );
  const page = reportPage({
    report: now,
    history: kept?.reports ?? [now],
    inNeed: await devicesInNeed(cloud, fleet),
    deployments: await rolloutHistory(cloud, fleet),
  });
  try {
    await writeFileDurably(path, Buffer.from(page), 0o644);
  } catch (thrown) {
    throw new EdgeError('FILE_UNUSABLE', `Cannot write the page ${path}: ${messageOf(thrown)}`, {
      field: '--html',
      nextStep: 'Give a file in a folder that exists and may be written',
      cause: thrown,
    });
  }
}

function printReport(report: FleetReport): void {
  const { deviceFleetName, deviceStats, deviceStates, modelStats, agentVersions } = report;
  const { registeredDeviceCount, connectedDeviceCount } = deviceStats;
  printLine(`${deviceFleetName}: ${registeredDeviceCount} devices, ${connectedDeviceCount} connected`);
  printTable(Object.keys(deviceStates), [Object.values(deviceStates)]);
  printTable(
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
  printTable(
    ['agent', 'devices'],
    agentVersions.map((one) => [one.version, one.agentCount]),
  );
  if (report.capture === undefined) return;
  const { deliveredRecords, queuedRecords } = report.capture;
  printLine(
    `captured records: ${deliveredRecords ?? '?'} in S3 since the agents' start, ${queuedRecords ?? '?'} waiting on devices`,
  );
}
