import { answerParent } from '../../../examples/floors/child.js';
import { awsFleetCloud } from '../../../deploy/cloud/fleet/mod.js';
import { fleetReport, indexHeartbeats } from '../../../deploy/report/mod.js';
import { applyRollout, proposeRollout, type RolloutPlan } from '../../../deploy/rollout/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { FLEET, MODEL_COMPONENT, TO, type PlannerAnswer, type PlannerQuestion } from './simulated.js';

/** What one person's laptop does, in a process of its own so that its memory is its own. */
const PLAN: RolloutPlan = {
  fleet: FLEET,
  components: { [MODEL_COMPONENT]: { version: TO } },
  stages: [
    { name: 'first', select: { devices: ['camera-0'] }, failureHandling: 'ROLLBACK_ON_FAILURE' },
    { name: 'some', select: { percentage: 1 }, failureHandling: 'ROLLBACK_ON_FAILURE' },
    { name: 'all', select: { percentage: 100 }, failureHandling: 'ROLLBACK_ON_FAILURE' },
  ],
  ratePerMinute: 1000,
  abort: { thresholdPercentage: 5, minNumberOfExecutedThings: 20 },
  timeoutMinutes: 1440,
  gate: { minSucceededShare: 1, maxFailedShare: 0, minFinished: 1, soakSeconds: 0, timeoutSeconds: 600 },
  models: [{ name: 'mnist', version: TO }],
};
/** Devices finish a thousand times faster than real ones do, so it looks more often. */
const POLL_MS = 250;

const cloud = awsFleetCloud();
await indexHeartbeats(cloud);

answerParent<PlannerQuestion, PlannerAnswer>(async ({ kind }) => {
  const begunMs = performance.now();
  const { devices, looks } = await STEPS[kind]();
  const seconds = (performance.now() - begunMs) / 1000;
  return { seconds, devices, looks, maxRssBytes: process.resourceUsage().maxRSS * 1024 };
});

const STEPS = {
  plan: async () => ({ devices: (await proposeRollout(cloud, PLAN)).stages.flat().length, looks: 1 }),
  apply: async () => {
    let looks = 0;
    const { status } = await applyRollout(cloud, PLAN, {
      clock: systemClock,
      pollMs: POLL_MS,
      onStatus: () => void looks++,
    });
    if (status.outcome !== 'SUCCEEDED')
      throw new Error(`The rollout ended ${status.outcome}: ${status.reason}`);
    return { devices: status.stages.at(-1)?.counts?.succeeded ?? 0, looks };
  },
  report: async () => {
    const report = await fleetReport(cloud, FLEET, systemClock.wallMs());
    return { devices: report.deviceStats.registeredDeviceCount, looks: 1 };
  },
} satisfies Record<PlannerQuestion['kind'], () => Promise<{ devices: number; looks: number }>>;
