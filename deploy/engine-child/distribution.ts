import { EdgeError } from '../../src/core/mod.js';
import { widest, type OutputBounds } from '../../src/model/mod.js';
import { runSession } from './run-session.js';
import type { SessionTask } from './task.js';

/** By case, what each output keeps to. */
type CaseBounds = readonly (readonly OutputBounds[])[];

/**
 * The bounds that a model which draws random numbers keeps to, stated by two processes and each held by the other's
 * runs: what varies too much for that can't be told from a broken model on a device.
 * @throws EdgeError FAILED_PRECONDITION (MODEL_NOT_DETERMINISTIC) naming the output
 */
export async function stateBounds(
  task: Omit<SessionTask, 'distribution' | 'timedRuns'> & Required<Pick<SessionTask, 'distribution'>>,
  timeoutMs: number,
): Promise<{ bounds: CaseBounds; engine: string }> {
  const first = await runSession({ ...task, timedRuns: 0 }, timeoutMs);
  const held = first.distribution?.bounds ?? [];
  const second = await runSession(
    { ...task, timedRuns: 0, distribution: { ...task.distribution, held } },
    timeoutMs,
  );
  const outside = second.distribution?.outside.find((reason) => reason !== undefined);
  if (outside !== undefined) {
    throw new EdgeError(
      'MODEL_NOT_DETERMINISTIC',
      `Cannot hold the model to samples as its runs vary too much: ${outside}`,
      {
        nextStep: 'Give samples whose outputs vary less, or take the randomness out of the graph',
      },
    );
  }
  const bounds = held.map((outputs, index) =>
    outputs.map((output, at) => {
      const other = second.distribution?.bounds[index]?.[at];
      return other === undefined ? output : widest(output, other);
    }),
  );
  return { bounds, engine: first.engine };
}
