import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { paced } from '../../../examples/floors/mod.js';
import type { Bench } from '../row.js';
import { RawCaller, type RawQuestion } from './raw-echo.js';

export interface RawEcho {
  /** Round trips of bytes, in milliseconds. */
  measure(question: RawQuestion): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** This process and a child of it with a pipe each way. */
export function startRawPipe(bench: Bench): RawEcho {
  const script = fileURLToPath(new URL('./raw-process.js', import.meta.url));
  const child = spawn(process.execPath, [script, 'pipe'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const caller = new RawCaller(child.stdout, child.stdin);
  const close = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.stdin.end();
    await exited;
  };
  bench.onEnd(close);
  return { measure: (question) => paced(question, () => caller.call(question)), close };
}
