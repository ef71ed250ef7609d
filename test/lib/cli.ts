import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine, type CommandContext } from '../../deploy/commands/mod.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const cli = resolve(project, 'dist/deploy/cli.js');

export interface CliOutcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the command line in this process, without a terminal and without the environment of this process. */
export async function runCli(
  args: readonly string[],
  {
    folder = process.cwd(),
    aws = {},
  }: { readonly folder?: string; readonly aws?: CommandContext['aws'] } = {},
): Promise<CliOutcome> {
  let out = '';
  let error = '';
  const code = await runCommandLine(args, {
    out: { write: (text) => (out += text) },
    error: { write: (text) => (error += text) },
    environment: {},
    locate: (path) => resolve(folder, path),
    aws,
    interrupted: () => Promise.resolve(),
  });
  return { code, out, error };
}

/** What a local cloud says of itself, for the commands that talk to it. */
export function awsOf({ region, endpoint, credentials }: Required<CommandContext['aws']>) {
  return { region, endpoint, credentials };
}

/**
 * The command line as a process of its own: for what only a process has, and once for each command. It sees nothing
 * of this machine's AWS set-up but what `env` gives.
 */
export function spawnCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  folder: string,
  user: { readonly uid?: number; readonly gid?: number } = {},
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
      ...user,
    };
    execFile(process.execPath, [cli, ...args], options, (error, out, text) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, out, error: text });
    });
  });
}

/** The command must end with 0. @returns its standard output */
export async function succeeds(...args: string[]): Promise<string> {
  const { code, out, error } = await runCli(args);
  assert.equal(code, 0, error);
  return out;
}

/** As {@link fails}, with a next step. */
export async function failsWithStep(pattern: RegExp, ...args: string[]): Promise<void> {
  const outcome = await runCli(args);
  checkFailure(pattern, outcome);
  assert.match(outcome.error, /\nNext: \S/);
}

/** One sentence, at most one next step, no stack, exit code 1. */
export async function fails(pattern: RegExp, ...args: string[]): Promise<void> {
  checkFailure(pattern, await runCli(args));
}

/** The user without rights, for what root may do and others may not. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** As `fails`, as a user who may write to what is open to all only. */
export async function failsAsNobody(pattern: RegExp, ...args: string[]): Promise<void> {
  checkFailure(pattern, await spawnCli(args, {}, project, NOBODY));
}

/** Whether the command can run as that user: it must be able to read the project. */
export async function nobodyCanRun(): Promise<boolean> {
  return process.getuid?.() !== 0 || (await spawnCli(['--help'], {}, project, NOBODY)).code === 0;
}

function checkFailure(pattern: RegExp, { code, error }: CliOutcome): void {
  assert.equal(code, 1, error);
  assert.match(error, pattern);
  assert.ok(error.trim().split('\n').length <= 2, error);
  assert.doesNotMatch(error, /INTERNAL| at .*:\d+:\d+/);
}
