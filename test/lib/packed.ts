import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';

interface Outcome {
  readonly code: number | null;
  /** Standard output and error as they came. */
  readonly output: string;
}

/** A program in a folder, without what npm tells its scripts of this checkout. */
async function runIn(folder: string, program: string, ...args: readonly string[]): Promise<Outcome> {
  const child = spawn(program, args, { cwd: folder, env: outsideNpm(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Which registry is asked, and where npm's cache is, stays. */
function outsideNpm(): NodeJS.ProcessEnv {
  const ofCheckout = /^npm_(package|lifecycle|command|config_(local_prefix|ignore_scripts))/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofCheckout.test(name)));
}

/** What `npm pack` makes of a folder below dist/packages. */
export interface Tarball {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** All packages as npm would publish them, for this machine's platform only. @throws Error with npm's words */
export async function packAll(folder: string): Promise<Record<'client' | 'commandLine', Tarball>> {
  await succeed(ROOT, process.execPath, 'scripts/pack.mjs', '--platform', 'here', '--out', folder);
  const tarball = async (name: string): Promise<Tarball> => {
    const output = await succeed(join(folder, name), 'npm', 'pack', '--silent', '--pack-destination', folder);
    const path = join(folder, output.trim().split('\n').at(-1) ?? '');
    const manifest = JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8')) as {
      name: string;
    };
    return { name: manifest.name, path, sizeBytes: (await stat(path)).size };
  };
  const [client, commandLine] = await Promise.all([tarball('client'), tarball('command-line')]);
  return { client, commandLine };
}

/** @returns what it printed */
export async function succeed(folder: string, program: string, ...args: readonly string[]): Promise<string> {
  const { code, output } = await runIn(folder, program, ...args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/** Installs as a user would, from the registry that npm is configured with. */
export async function npmInstall(folder: string, ...args: readonly string[]): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--loglevel=error'];
  await succeed(folder, 'npm', 'install', ...quiet, ...args);
}

export async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
