import type { RolloutPlan } from '../../deploy/rollout/mod.js';
import { APP, APP_VERSION, COMPONENT_VERSION, AGENT, UPLOADER } from '../stage/mod.js';

export const FLEET = 'demo-fleet';
const MODEL = 'SileroVad';
export const MODEL_COMPONENT = 'org.edgemanager.model.SileroVad';

type Limits = Pick<RolloutPlan, 'ratePerMinute' | 'abort' | 'timeoutMinutes' | 'gate' | 'models'>;

function limits(version: string): Limits {
  return {
    ratePerMinute: 100,
    abort: { thresholdPercentage: 50, minNumberOfExecutedThings: 1 },
    timeoutMinutes: 10,
    gate: { minSucceededShare: 1, maxFailedShare: 0, minFinished: 1, soakSeconds: 2, timeoutSeconds: 300 },
    models: [{ name: MODEL, version }],
  };
}

/** Agent, uploader, model and the app that asks it, to all devices at once. */
export function firstPlan(version: string): RolloutPlan {
  return {
    fleet: FLEET,
    components: {
      [AGENT]: { version: COMPONENT_VERSION },
      [UPLOADER]: { version: COMPONENT_VERSION },
      [MODEL_COMPONENT]: { version },
      [APP]: { version: APP_VERSION },
    },
    stages: [{ name: 'all', select: { percentage: 100 }, failureHandling: 'ROLLBACK_ON_FAILURE' }],
    ...limits(version),
  };
}

/** A new version of the model: one device, then all. */
export function stagedPlan(version: string): RolloutPlan {
  return {
    fleet: FLEET,
    components: { [MODEL_COMPONENT]: { version } },
    stages: [
      { name: 'canary', select: { percentage: 1 }, failureHandling: 'ROLLBACK_ON_FAILURE' },
      { name: 'all', select: { percentage: 100 }, failureHandling: 'ROLLBACK_ON_FAILURE' },
    ],
    ...limits(version),
  };
}
