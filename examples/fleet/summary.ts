import type { FleetReport } from '../../deploy/report/mod.js';
import type { RolloutStatus } from '../../deploy/rollout/mod.js';
import type { FleetDevice } from './device.js';
import { MODEL_COMPONENT } from './plans.js';

/** One rollout as it ended. */
export interface DemoRollout {
  readonly version: string;
  readonly outcome: RolloutStatus['outcome'];
  /** Devices that run the version now. */
  readonly devicesUpdated: number;
  /** Devices that got the version and run another one now. */
  readonly devicesRolledBack: number;
  /** Devices that never heard of the version. */
  readonly devicesUntouched: number;
  readonly stages: readonly { readonly name: string; readonly devices: number; readonly state: string }[];
  readonly seconds: number;
}

/** What `npm run demo -- --fleet --json` prints as its last line. */
export interface FleetDemoSummary {
  readonly rollouts: readonly DemoRollout[];
  readonly lostComponents: number;
  readonly reportBefore: FleetReport;
  readonly reportAfter: FleetReport;
}

export function describeRollout(
  version: string,
  status: RolloutStatus,
  devices: readonly FleetDevice[],
  seconds: number,
): DemoRollout {
  const touched = devices.filter(({ delivered }) =>
    delivered.some(({ document }) => document.components[MODEL_COMPONENT]?.componentVersion === version),
  );
  const updated = devices.filter((device) => device.component(MODEL_COMPONENT)?.version === version);
  return {
    version,
    outcome: status.outcome,
    devicesUpdated: updated.length,
    devicesRolledBack: touched.filter((device) => !updated.includes(device)).length,
    devicesUntouched: devices.length - touched.length,
    stages: status.stages.map(({ name, devices: count, state }) => ({ name, devices: count, state })),
    seconds: Math.round(seconds * 10) / 10,
  };
}

/** What went wrong, in words; empty where the demonstration shows what it should. */
export function fleetFailures(summary: FleetDemoSummary, devices: number): readonly string[] {
  const failures: string[] = [];
  const expected = [
    {
      version: '5.0.0',
      outcome: 'SUCCEEDED',
      devicesUpdated: devices,
      devicesRolledBack: 0,
      devicesUntouched: 0,
    },
    {
      version: '6.0.0',
      outcome: 'SUCCEEDED',
      devicesUpdated: devices,
      devicesRolledBack: 0,
      devicesUntouched: 0,
    },
    {
      version: '7.0.0',
      outcome: 'ROLLED_BACK',
      devicesUpdated: 0,
      devicesRolledBack: 1,
      devicesUntouched: devices - 1,
    },
  ];
  for (const [index, wanted] of expected.entries()) {
    const { stages: _stages, seconds: _seconds, ...found } = summary.rollouts[index] ?? {};
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      failures.push(`the rollout was ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`);
    }
  }
  if (summary.lostComponents > 0) failures.push(`${summary.lostComponents} components of others were lost`);
  const serving = summary.reportAfter.modelStats.find((one) => one.modelVersion === '6.0.0');
  if (serving?.activeDeviceCount !== devices) {
    failures.push(
      `the report shows 6.0.0 active on ${serving?.activeDeviceCount ?? 0} of ${devices} devices`,
    );
  }
  return failures;
}
