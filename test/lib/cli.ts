import { execFile } from 'node:child_process';
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
