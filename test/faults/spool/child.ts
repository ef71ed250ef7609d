import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The compiled spool-process.ts. */
export const SPOOL_PROCESS = fileURLToPath(new URL('./spool-process.js', import.meta.url));

/** One run of spool-process.ts, and what it said. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly lines: string[];
  readonly acked: () => string[];
  /** Resolves with the first line that starts so, rejects where the process ends before. */
  readonly said: (start: string) => Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  go(mode: 'loop' | 'once', root: string, store: string, firstNumber?: number): void;
}

export function startChild(script = SPOOL_PROCESS): Child {
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
    pid: child.pid ?? 0,
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
