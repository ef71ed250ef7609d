import { execFile } from 'node:child_process';

/** How a Python program ended; `absent` where there is no such interpreter. */
export type PythonOutcome =
  | { readonly kind: 'ended'; readonly output: string; readonly error: string; readonly isLate: boolean }
  | { readonly kind: 'absent'; readonly reason: string };

/**
 * Runs a script with a text on its standard input. It sees where Python finds its packages, and no credentials.
 * @param folder where it runs and puts what it needs for a while
 */
export function runPython(
  python: string,
  script: string,
  input: string,
  { folder, timeoutMs }: { folder: string; timeoutMs: number },
): Promise<PythonOutcome> {
  const kept = ['PATH', 'HOME', 'PYTHONPATH', 'VIRTUAL_ENV'];
  const env = Object.fromEntries(kept.flatMap((name) => [[name, process.env[name]]]));
  const options = {
    cwd: folder,
    env: { ...env, TMPDIR: folder, ORT_DISABLE_TELEMETRY: '1' },
    maxBuffer: 64 * 1024 * 1024,
    timeout: timeoutMs,
    killSignal: 'SIGKILL' as const,
  };
  return new Promise((resolve) => {
    const child = execFile(python, ['-c', script], options, (error, output, text) => {
      if (error !== null && (error.code === 'ENOENT' || error.code === 'EACCES')) {
        resolve({ kind: 'absent', reason: String(error.code) });
      } else {
        resolve({ kind: 'ended', output, error: text, isLate: error?.killed === true });
      }
    });
    // What it does not read it does not want: its end tells.
    child.stdin?.on('error', () => undefined).end(input);
  });
}
