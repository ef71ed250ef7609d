import type { DeploymentResult } from '../../src/local/nucleus/mod.js';
import { type WindowResult, WINDOW_MS } from '../voice-activity/mod.js';
import type { DemoUpdate } from './summary.js';

/** What an update under load did, from the deployment's result and the windows that were answered meanwhile. */
export function describeUpdate(
  from: string,
  to: string,
  result: DeploymentResult,
  windows: readonly WindowResult[],
): DemoUpdate {
  return {
    from,
    to,
    outcome: outcomeOf(result),
    failedWindows: windows.filter((window) => window.version === null).length,
    switchMs: roundedOrNull(switchTimeMs(windows, to)),
  };
}

function outcomeOf(result: DeploymentResult): DemoUpdate['outcome'] {
  if (result.status === 'SUCCEEDED') return 'SUCCEEDED';
  return result.detailedStatus === 'FAILED_ROLLBACK_COMPLETE' ? 'ROLLED_BACK' : 'FAILED';
}

/** Time without an answer around the switch: the pace between the last old and the first new answer, less the pace itself. */
function switchTimeMs(windows: readonly WindowResult[], to: string): number | null {
  const first = windows.findIndex((window) => window.version === to);
  const after = windows[first];
  const before = windows[first - 1];
  if (after === undefined || before === undefined) return null;
  const positions = (after.loop - before.loop) * 1000 + after.window - before.window;
  const paceMs = Math.max(1, positions > 1 ? 1 : positions) * WINDOW_MS;
  return Math.max(0, paceMs + after.latencyMs - before.latencyMs);
}

function roundedOrNull(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
