import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SCRIPT = fileURLToPath(new URL('./spool-process.js', import.meta.url));

/** The child as one file, which starts in half the time; it is started some hundred times. */
export async function bundleChild(folder: string): Promise<string> {
  const outfile = join(folder, 'spool-process.mjs');
  await build({
    entryPoints: [SCRIPT],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return outfile;
}

/** One run of spool-process.ts, and what it said. */
export interface Child {
  readonly process: ChildProcess;
  readonly lines: string[];
  readonly acked: () => string[];
  /** Resolves with the first line that starts so, rejects where the process ends before. */
  readonly said: (start: string) => Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  go(mode: 'loop' | 'once', root: string, store: string, firstNumber?: number): void;
}

export function startChild(script = SCRIPT): Child {
  const child = spawn(process.execPath, [script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // One pool thread, so that file calls come in one order and strace can count them.
    env: { PATH: process.env['PATH'] ?? '', UV_THREADPOOL_SIZE: '1' },
  });
  const lines: string[] = [];
  const waiting: { start: string; resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    for (const waiter of waiting) if (line.startsWith(waiter.start)) waiter.resolve(line);
  });
  child.stdin.on('error', () => undefined);
  const ended = once(reader, 'close').then(async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    for (const { reject } of waiting) reject(new Error('The process ended'));
    return { code: child.exitCode, signal: child.signalCode };
  });
  return {
    process: child,
    lines,
    acked: () => lines.flatMap((line) => (line.startsWith('ack ') ? [line.slice(4)] : [])),
    said: (start) =>
      new Promise((resolve, reject) => {
        const line = lines.find((known) => known.startsWith(start));
        if (line === undefined) waiting.push({ start, resolve, reject });
        else resolve(line);
      }),
    ended,
    go: (...args) => child.stdin.write(`${JSON.stringify(args)}\n`),
  };
}

/** The reason why strace can't tamper with a process here, or undefined. */
export function straceMissing(): string | undefined {
  const probe = spawnSync('strace', ['-f', '-e', 'inject=getpid:error=EIO:when=1', 'true'], {
    encoding: 'utf8',
  });
  if (probe.error !== undefined) return 'strace is not installed';
  return probe.status === 0
    ? undefined
    : `strace may not trace here: ${probe.stderr.trim().split('\n').at(-1)}`;
}

/** Attaches strace with these arguments; resolves once it holds the process, with a function that ends it. */
export async function attachStrace(child: Child, args: readonly string[]): Promise<() => Promise<void>> {
  const tracer = spawn('strace', ['-f', '-p', String(child.process.pid), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
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
    if (tracer.exitCode === null && tracer.signalCode === null) {
      await Promise.race([exited, child.ended.then(() => exited)]);
    }
  };
}
