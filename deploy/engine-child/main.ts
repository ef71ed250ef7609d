import type { Tensor } from '../../src/contract/mod.js';
import { toEdgeError, type Clock } from '../../src/core/mod.js';
import { createOnnxEngine, type EngineSession } from '../../src/engine/mod.js';
import { outsideOf, tallyRuns, type OutputBounds } from '../../src/model/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { basename, dirname } from '../../src/disk/mod.js';
import { hasWeightsOutside } from '../../src/onnx/mod.js';
import { readBytes } from '../files/mod.js';
import type { ChildReply, Distribution, SessionResult, SessionTask } from './task.js';

async function run(task: SessionTask, clock: Clock): Promise<SessionResult> {
  const engine = await createOnnxEngine();
  const model = new Uint8Array(await readBytes(task.modelFile));
  const { graphOptimization, optimizedModelFile } = task;
  const begunMs = clock.monotonicMs();
  const isLarge = hasWeightsOutside(model);
  const session = await engine.load(model, {
    graphOptimization,
    ...(isLarge ? { weightsFolder: dirname(task.modelFile) } : {}),
    ...(isLarge && optimizedModelFile !== undefined
      ? { optimizedWeightsFile: `${basename(optimizedModelFile)}.weights` }
      : {}),
    ...(optimizedModelFile === undefined ? {} : { optimizedModelFile }),
  });
  const loadMs = clock.monotonicMs() - begunMs;
  const results: (readonly Tensor[])[] = [];
  for (const inputs of task.cases) results.push(await session.run(inputs));
  const latencyP50Ms = await timeRuns(session, task, clock);
  const distribution = await distributionOf(session, task);
  const { inputs, outputs } = session;
  return {
    engine: `onnxruntime-node ${engine.version}`,
    inputs,
    outputs,
    loadMs,
    results,
    latencyP50Ms,
    ...(distribution === undefined ? {} : { distribution }),
  };
}

async function distributionOf(
  session: EngineSession,
  { cases, distribution }: SessionTask,
): Promise<Distribution | undefined> {
  if (distribution === undefined) return undefined;
  const bounds: OutputBounds[][] = [];
  const outside: (string | undefined)[] = [];
  for (const [index, inputs] of cases.entries()) {
    const tallies = await tallyRuns(() => session.run(inputs));
    bounds.push(tallies.map((tally) => tally.bounds(distribution.tolerance)));
    outside.push(outsideOf(tallies, distribution.held?.[index] ?? []));
  }
  return { bounds, outside };
}

async function timeRuns(
  session: EngineSession,
  task: SessionTask,
  clock: Clock,
): Promise<number | undefined> {
  const [first] = task.cases;
  if (first === undefined || task.timedRuns === 0) return undefined;
  const times: number[] = [];
  for (let run = 0; run < task.timedRuns; run++) {
    const begunMs = clock.monotonicMs();
    await session.run(first);
    times.push(clock.monotonicMs() - begunMs);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}

function reply(message: ChildReply): void {
  // The parent ends this process: native memory is given back by nothing else.
  process.send?.(message);
}

process.once('message', (task: SessionTask) => {
  run(task, systemClock).then(
    (result) => reply({ ok: true, result }),
    (error: unknown) => {
      const { reason, message, nextStep } = toEdgeError(error, 'Cannot run the model');
      reply({ ok: false, reason, message, nextStep });
    },
  );
});
// A parent that was killed leaves no one to answer.
process.once('disconnect', () => process.exit(0));
