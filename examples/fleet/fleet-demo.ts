import { planForFleet } from '../../deploy/fleet/mod.js';
import { applyRollout, checkPlan, type RolloutPlan } from '../../deploy/rollout/mod.js';
import { fleetReport, type FleetReport } from '../../deploy/report/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { Steps, waitFor } from '../stage/mod.js';
import { CAMERA, CAMERA_DEPLOYED } from './camera.js';
import { startFleetStage, type FleetStage } from './fleet-stage.js';
import { lostComponents } from './losses.js';
import { Owned } from './owned.js';
import { firstPlan, FLEET, stagedPlan } from './plans.js';
import { printFleetReport, printRollouts, statusLine } from './show.js';
import { describeRollout, fleetFailures, type DemoRollout, type FleetDemoSummary } from './summary.js';

export interface FleetDemoOptions {
  readonly json: boolean;
  readonly folder?: string;
  /** Ends the demonstration early; all its processes end with it. */
  readonly signal: AbortSignal;
}

const POLL_MS = 500;

/** A fleet's life on one machine. @returns the sentences of what went wrong; empty is success */
export async function runFleetDemo(options: FleetDemoOptions): Promise<readonly string[]> {
  const steps = new Steps();
  const progress = (text: string): void => {
    options.signal.throwIfAborted();
    steps.step(text);
  };
  await using owned = new Owned();
  const stage = await startFleetStage(owned, progress, options.folder);
  await deployCamera(stage, progress);
  const rollouts = [await firstRollout(stage, progress, options.signal)];
  const reportBefore = await settledReport(stage, '5.0.0');
  printFleetReport('The fleet with 5.0.0', reportBefore);
  for (const version of ['6.0.0', '7.0.0']) {
    rollouts.push(await rollOut(stage, stagedPlan(version), version, progress, options.signal));
  }
  const reportAfter = await settledReport(stage, '6.0.0');
  printFleetReport('The fleet after 6.0.0, and after 7.0.0 was rolled back', reportAfter);
  const lost = await lostComponents(stage.cloud, stage.devices);
  const summary: FleetDemoSummary = { rollouts, lostComponents: lost.length, reportBefore, reportAfter };
  printRollouts(rollouts, lost);
  if (options.json) console.log(JSON.stringify(summary));
  steps.step('ending three nuclei and the cloud');
  return fleetFailures(summary, stage.devices.length);
}

/** Another team's deployment to the same thing group, before any of ours. */
async function deployCamera(stage: FleetStage, progress: (text: string) => void): Promise<void> {
  progress(`another team deploys ${CAMERA} to the fleet`);
  await stage.cloud.createDeployment({
    targetArn: stage.groupArn,
    name: 'cameras',
    components: CAMERA_DEPLOYED,
    limits: {
      maximumPerMinute: 100,
      abort: { thresholdPercentage: 100, minNumberOfExecutedThings: 1 },
      timeoutMinutes: 10,
    },
    rollbackOnFailure: true,
    tags: {},
    clientToken: 'cameras-1',
  });
  await waitFor('the cameras to run', 30_000, async () =>
    stage.devices.every((device) => device.component(CAMERA)?.state === 'RUNNING') ? true : undefined,
  );
}

async function firstRollout(
  stage: FleetStage,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<DemoRollout> {
  // As `deploy apply --fleets`: the fleet's configuration of agent and uploader goes along.
  const plan = checkPlan(planForFleet(firstPlan('5.0.0'), [stage.fleet], FLEET));
  return rollOut(stage, plan, '5.0.0', progress, signal);
}

async function rollOut(
  stage: FleetStage,
  plan: RolloutPlan,
  version: string,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<DemoRollout> {
  progress(`deploy apply: SileroVad ${version}`);
  const begunMs = systemClock.monotonicMs();
  let last = '';
  const { status } = await applyRollout(stage.cloud, plan, {
    clock: systemClock,
    pollMs: POLL_MS,
    signal,
    onStatus: (now) => {
      const line = statusLine(now);
      if (line !== last) progress(line);
      last = line;
    },
  });
  const seconds = (systemClock.monotonicMs() - begunMs) / 1000;
  return describeRollout(version, status, stage.devices, seconds);
}

/** Agents report a change within seconds. */
async function settledReport({ cloud, devices }: FleetStage, version: string): Promise<FleetReport> {
  return waitFor(`all devices to report ${version}`, 60_000, async () => {
    const report = await fleetReport(cloud, FLEET, systemClock.wallMs());
    const serving = report.modelStats.find((one) => one.modelVersion === version);
    const isSettled = serving?.activeDeviceCount === devices.length && serving.driftedDeviceCount === 0;
    return isSettled ? report : undefined;
  });
}
