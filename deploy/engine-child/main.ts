import type { Tensor } from '../../src/contract/mod.js';
import { toEdgeError, type Clock } from '../../src/core/mod.js';
import { createOnnxEngine, type EngineSession } from '../../src/engine/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { basename, dirname } from '../../src/disk/mod.js';
import { hasWeightsOutside } from '../../src/onnx/mod.js';
import { readBytes } from '../files/mod.js';
import type { ChildReply, SessionResult, SessionTask } from './task.js';

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
  const { inputs, outputs } = session;
  return { engine: `onnxruntime-node ${engine.version}`, inputs, outputs, loadMs, results, latencyP50Ms };
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
      const { reason, message } = toEdgeError(error, 'Cannot run the model');
      reply({ ok: false, reason, message });
    },
  );
});
// A parent that was killed leaves no one to answer.
process.once('disconnect', () => process.exit(0));
