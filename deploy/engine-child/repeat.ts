import type { Tensor } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { decodeModel, randomNodes } from '../../src/onnx/decoded/mod.js';
import { readBytes } from '../files/mod.js';
import { runSession } from './run-session.js';
import type { SessionResult, SessionTask } from './task.js';

/** Names of nodes that a sentence has room for. */
const MAX_NAMES = 5;

/**
 * Runs each case twice in one process and once more in another, where the same inputs must give the same bytes: a
 * generator of random numbers that starts from a fixed seed differs within a process, one that does not between two.
 * @throws EdgeError FAILED_PRECONDITION (MODEL_NOT_DETERMINISTIC) naming the output and the nodes
 */
export async function runRepeated(task: SessionTask, timeoutMs: number): Promise<SessionResult> {
  const { cases } = task;
  const once = await runSession({ ...task, cases: [...cases, ...cases] }, timeoutMs);
  const again = await runSession({ ...task, timedRuns: 0 }, timeoutMs);
  const results = once.results.slice(0, cases.length);
  const changed =
    changedOutput(results, once.results.slice(cases.length)) ?? changedOutput(results, again.results);
  if (changed === undefined) return { ...once, results };
  const model = decodeModel(new Uint8Array(await readBytes(task.modelFile)));
  throw notDeterministic(changed, randomNodes(model));
}

function changedOutput(
  some: readonly (readonly Tensor[])[],
  others: readonly (readonly Tensor[])[],
): string | undefined {
  for (const [index, outputs] of some.entries()) {
    for (const [at, { name, shape, data }] of outputs.entries()) {
      const other = others[index]?.[at];
      if (other === undefined || shape.join() !== other.shape.join()) return name;
      if (Buffer.compare(data, other.data) !== 0) return name;
    }
  }
  return undefined;
}

function notDeterministic(output: string, nodes: readonly string[]): EdgeError {
  const more = nodes.length > MAX_NAMES ? ` and ${nodes.length - MAX_NAMES} more` : '';
  const why =
    nodes.length === 0
      ? 'none of its nodes is known to draw random numbers'
      : `${nodes.slice(0, MAX_NAMES).join(', ')}${more} ${nodes.length === 1 ? 'draws' : 'draw'} random numbers`;
  return new EdgeError(
    'MODEL_NOT_DETERMINISTIC',
    `Cannot hold the model to samples as output '${output}' differs between two runs with the same inputs: ${why}`,
    {
      field: output,
      nextStep:
        'Take the randomness out of the graph (give it as an input), or allow it: --no-deterministic for compile, deterministic: false in model.yaml',
    },
  );
}
