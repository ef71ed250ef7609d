import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FloorProcess, paced } from '../../../examples/floors/mod.js';
import type { Bench } from '../row.js';
import { RawCaller, type RawQuestion } from './raw-echo.js';

const SCRIPT = '../../test/bench/floors/raw-process.js';

export interface RawEcho {
  /** Round trips of bytes, in milliseconds. */
  measure(question: RawQuestion): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Two Node processes and a unix socket between them. */
export async function startRawSocket(bench: Bench): Promise<RawEcho> {
  const folder = await bench.folder('raw');
  const path = join(folder, 'echo.sock');
  const server = await FloorProcess.start(SCRIPT, ['serve', path]);
  const caller = await FloorProcess.start<RawQuestion, readonly number[]>(SCRIPT, ['call', path]);
  const close = async (): Promise<void> => {
    await caller.close();
    await server.close();
  };
  bench.onEnd(close);
  return { measure: (question) => caller.ask(question), close };
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
