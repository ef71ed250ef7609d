import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** The reason why strace can't tamper with a process here, or undefined. */
export function straceAbsence(): string | undefined {
  const probe = spawnSync('strace', ['-f', '-e', 'inject=getpid:error=EIO:when=1', 'true'], {
    encoding: 'utf8',
  });
  if (probe.error !== undefined) return 'strace is not installed';
  if (probe.status === 0) return undefined;
  return `strace may not trace here: ${probe.stderr.trim().split('\n').at(-1)}`;
}

/** Attaches strace to a process with these arguments; resolves once it holds it, with what waits for its end. */
export async function traceProcess(pid: number, args: readonly string[]): Promise<() => Promise<void>> {
  const tracer = spawn('strace', ['-f', '-p', String(pid), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(tracer, 'exit');
  let text = '';
  await new Promise<void>((resolve, reject) => {
    tracer.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('attached')) resolve();
    });
    tracer.once('error', reject);
    void exited.then(() => reject(new Error(`strace ended: ${text}`)));
  });
  return async () => {
    await exited;
  };
}
