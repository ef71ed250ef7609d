import { spawnSync } from 'node:child_process';
import type { JsonObject } from '../../src/core/mod.js';

export const ENGINES = ['node', 'python'] as const;
export type DemoEngine = (typeof ENGINES)[number];

const WANTED = 'import sys, numpy, onnxruntime; print(sys.executable)';

/**
 * What the agent's configuration says of it: nothing for its own engine.
 * @throws Error with what to install, where `python3` can't run models
 */
export function engineConfiguration(engine: DemoEngine): JsonObject {
  if (engine === 'node') return {};
  return {
    engines: {
      python: { interpreter: interpreterHere() },
      models: { SileroVad: { engine } },
    },
  };
}

/** The program itself, asked isolated as the host runs: what stands in PATH may be a version manager's script. */
function interpreterHere(): string {
  const { status, stdout, stderr, error } = spawnSync('python3', ['-I', '-c', WANTED], { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
  throw new Error(
    `Cannot run the demo with --engine python as 'python3' can't run models (${why}): install numpy and onnxruntime for the python3 that is first in PATH, such as in a virtual environment: python3 -m venv venv && . venv/bin/activate && pip install numpy onnxruntime`,
  );
}
