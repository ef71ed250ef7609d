import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs a program without a shell, to its end. @returns its output, without the last line end */
export async function run(program: string, args: readonly string[], folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: folder,
    maxBuffer: MAX_OUTPUT_BYTES,
    encoding: 'utf8',
  });
  return stdout.replace(/\n$/, '');
}

export function git(folder: string, ...args: readonly string[]): Promise<string> {
  return run('git', args, folder);
}
