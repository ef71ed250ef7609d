import type { FleetReport } from '../../deploy/report/mod.js';

const DAY_MS = 86_400_000;

/** A report of a fleet of 1,000 devices, `day` days into a rollout of 6.0.0. */
export function reportOf(day: number, overrides: Partial<FleetReport> = {}): FleetReport {
  const six = Math.min(1000, Math.round(1000 / (1 + Math.exp(4 - day))));
  const version = (modelVersion: string, devices: number): FleetReport['modelStats'][number] => ({
    modelName: 'SileroVad',
    modelVersion,
    offlineDeviceCount: Math.round(devices * 0.08),
    connectedDeviceCount: devices - Math.round(devices * 0.08),
    activeDeviceCount: devices - Math.round(devices * 0.08),
    samplingDeviceCount: Math.round(devices * 0.3),
    driftedDeviceCount: modelVersion === '6.0.0' ? 3 : 0,
  });
  return {
    deviceFleetName: 'cameras',
    deviceFleetArn: 'arn:aws:iot:eu-central-1:123456789012:thinggroup/cameras',
    description: 'Gates of the north',
    outputConfig: { s3OutputLocation: 's3://captures-of-the-north/gates' },
    reportGeneratedMs: Date.UTC(2026, 10, 1) + day * DAY_MS,
    deviceStats: { registeredDeviceCount: 1000, connectedDeviceCount: 920 },
    deviceStates: { healthy: 880, probation: 25, drifted: 3, failing: 2, silent: 10, offline: 80 },
    agentVersions: [
      { version: '1.0.0', agentCount: 940 },
      { version: '0.9.2', agentCount: 50 },
    ],
    modelStats: [version('5.0.0', 1000 - six), version('6.0.0', six)],
    latencyP99Ms: [
      { percent: 50, value: 7.1 + day / 20 },
      { percent: 90, value: 11.4 + day / 10 },
      { percent: 99, value: 24 + day },
    ],
    capture: { deliveredRecords: 120_000 + 31_000 * day, queuedRecords: 900 - 20 * day },
    ...overrides,
  };
}
