import type { Command } from 'commander';
import { awsFleetCloud } from '../cloud/fleet-mod.js';
import { fleetReport, indexHeartbeats } from '../report/mod.js';
import { printJson, printLine, printTable } from './output.js';

export function register(program: Command): void {
  program
    .command('report')
    .description('show a fleet: devices, agents, models, from fleet indexing')
    .argument('<fleet>', 'thing group')
    .option('--json', 'print JSON')
    .option('--set-up', 'turn on the fleet indexing that reports need (AWS charges for it), and end')
    .action(async (fleet: string, options: { json?: boolean; setUp?: boolean }) => {
      const cloud = awsFleetCloud();
      try {
        if (options.setUp === true) {
          await indexHeartbeats(cloud);
          return printLine('Fleet indexing is being built: the report is whole after some minutes');
        }
        const report = await fleetReport(cloud, fleet);
        if (options.json === true) return printJson(report);
        const { registeredDeviceCount, connectedDeviceCount } = report.deviceStats;
        printLine(`${fleet}: ${registeredDeviceCount} devices, ${connectedDeviceCount} connected`);
        printTable(
          ['model', 'version', 'offline', 'connected', 'active', 'sampling', 'drifted'],
          report.modelStats.map((one) => [
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
          report.agentVersions.map((one) => [one.version, one.agentCount]),
        );
      } finally {
        cloud.close();
      }
    });
}
