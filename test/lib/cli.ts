import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const cli = join(project, 'dist/deploy/cli.js');

export interface CliOutcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/**
 * The command line as a process of its own, while this one goes on (with a local cloud, say). It sees nothing of
 * this machine's AWS set-up but what `env` gives.
 */
export function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  folder: string,
): Promise<CliOutcome> {
  return new Promise((done) => {
    const options = {
      cwd: folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        AWS_EC2_METADATA_DISABLED: 'true',
        NODE_NO_WARNINGS: '1',
        ...env,
      },
      maxBuffer: 16 * 1024 * 1024,
    };
    execFile(process.execPath, [cli, ...args], options, (error, out, text) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, out, error: text });
    });
  });
}

/** The user without rights, for what root may do and others may not. */
const NOBODY = 65_534;

function edgeManager(args: readonly string[], asNobody = false): CliOutcome {
  const user = asNobody ? { uid: NOBODY, gid: NOBODY } : {};
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    ...user,
  });
  return { code: status ?? -1, out: stdout, error: stderr };
}

/** The command must end with 0. @returns its standard output */
export function succeeds(...args: string[]): string {
  const { code, out, error } = edgeManager(args);
  assert.equal(code, 0, error);
  return out;
}

/** One sentence, at most one next step, no stack, exit code 1. */
export function fails(pattern: RegExp, ...args: string[]): void {
  checkFailure(pattern, edgeManager(args));
}

/** As `fails`, as a user who may write to what is open to all only. */
export function failsAsNobody(pattern: RegExp, ...args: string[]): void {
  checkFailure(pattern, edgeManager(args, process.getuid?.() === 0));
}

/** Whether the command can run as that user: it must be able to read the project. */
export function nobodyCanRun(): boolean {
  return process.getuid?.() !== 0 || edgeManager(['--help'], true).code === 0;
}

function checkFailure(pattern: RegExp, { code, error }: CliOutcome): void {
  assert.equal(code, 1, error);
  assert.match(error, pattern);
  assert.ok(error.trim().split('\n').length <= 2, error);
  assert.doesNotMatch(error, /INTERNAL| at .*:\d+:\d+/);
}
