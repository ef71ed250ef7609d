import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EdgeError, type Clock } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
import type { ChildReply, SessionResult, SessionTask } from './task.js';

const main = fileURLToPath(new URL('./main.js', import.meta.url));

/**
 * Loads and runs a model in a process of its own, which ends with the task: a hostile or broken model may crash
 * onnxruntime or never come back, and neither may take this process along.
 * @throws EdgeError DEADLINE_EXCEEDED after `timeoutMs`, FAILED_PRECONDITION where the model is refused or crashes
 */
export async function runSession(
  task: SessionTask,
  timeoutMs: number,
  clock: Clock = systemClock,
): Promise<SessionResult> {
  const child = fork(main, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
    // The model's process needs no credentials and no settings of ours.
    env: { PATH: process.env['PATH'] ?? '' },
  });
  try {
    return await converse(child, task, timeoutMs, clock);
  } finally {
    child.kill('SIGKILL');
  }
}

function converse(
  child: ChildProcess,
  task: SessionTask,
  timeoutMs: number,
  clock: Clock,
): Promise<SessionResult> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () => {
      reject(
        new EdgeError(
          'DEADLINE_WHILE_RUNNING',
          `Cannot run the model as it took more than ${timeoutMs / 1000} s`,
          {
            nextStep: 'Raise --timeout, or look for loops without end in the model',
          },
        ),
      );
    });
    child.once('message', (reply: ChildReply) => {
      cancel();
      if (reply.ok) resolve(reply.result);
      else reject(new EdgeError(reply.reason, reply.message, { nextStep: reply.nextStep }));
    });
    child.once('error', (error) => {
      cancel();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      cancel();
      const how = signal ?? `exit code ${code}`;
      reject(
        new EdgeError('MODEL_CRASHED', `Cannot run the model as it crashed the runtime: ${how}`, {
          nextStep: 'Export it anew, or with another opset: plain ONNX Runtime ends with it too',
        }),
      );
    });
    child.send(task, (error) => {
      if (error !== null) reject(error);
    });
  });
}
