import { execFile } from 'node:child_process';
import { Type, type Static } from '@sinclair/typebox';
import { EdgeError, messageOf, validate } from '../../core/mod.js';
import { type HostProgram } from './confinement/mod.js';
import { CPU_PROVIDER, type Provider } from './port/mod.js';

/** To import numpy and onnxruntime takes seconds on a small device with a cold disk. */
const DESCRIBE_LIMIT_MS = 120_000;
const DESCRIBE_MOST_BYTES = 1024 * 1024;
/** Isolated: no PYTHON* variables, no packages of the user; and nothing is written beside the sources. */
const ARGUMENTS = ['-I', '-B'];

const text = Type.String({ maxLength: 4096 });
const Description = Type.Object({
  python: text,
  program: Type.String({ pattern: '^/', maxLength: 4096 }),
  missing: Type.Optional(Type.Object({ message: text, nextStep: text })),
  onnxruntime: Type.Optional(text),
  providers: Type.Optional(Type.Array(text, { maxItems: 64 })),
  folders: Type.Optional(Type.Array(text, { maxItems: 1024 })),
});

/** A Python of this device that can run models. */
export interface PythonEngine {
  /** How its host is started. */
  readonly host: Omit<HostProgram, 'usesDevices'>;
  readonly providers: readonly string[];
}

/**
 * Asks a Python what it has. Outside of any confinement, as only it can tell what it must be able to read.
 * @param interpreter a program in PATH, or an absolute path
 * @param script the host's zip file or folder; absolute
 * @throws EdgeError FAILED_PRECONDITION (ENGINE_MISSING) with what to install
 */
export async function findPython(interpreter: string, script: string): Promise<PythonEngine> {
  const said = await describe(interpreter, script);
  const { program, missing, providers = [], folders = [] } = parse(said, interpreter);
  if (missing !== undefined)
    throw new EdgeError('ENGINE_MISSING', missing.message, { nextStep: missing.nextStep });
  return { host: { path: program, args: [...ARGUMENTS, script], reads: folders }, providers };
}

function describe(interpreter: string, script: string): Promise<string> {
  const options = {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '', ORT_DISABLE_TELEMETRY: '1' },
    timeout: DESCRIBE_LIMIT_MS,
    maxBuffer: DESCRIBE_MOST_BYTES,
    killSignal: 'SIGKILL' as const,
  };
  return new Promise((resolve, reject) => {
    execFile(interpreter, [...ARGUMENTS, script, '--describe'], options, (error, output, errors) => {
      if (error === null) return resolve(output);
      const why = error.code === 'ENOENT' ? 'there is no such program' : lastLine(errors) || messageOf(error);
      reject(unusable(interpreter, why));
    });
  });
}

function parse(said: string, interpreter: string): Static<typeof Description> {
  try {
    return validate(Description, JSON.parse(said), 'Cannot read what Python says of itself');
  } catch (error) {
    throw unusable(interpreter, messageOf(error));
  }
}

function unusable(interpreter: string, why: string): EdgeError {
  return new EdgeError('ENGINE_MISSING', `Cannot run models in Python by '${interpreter}' as ${why}`, {
    nextStep:
      "Install Python 3.8 or newer with numpy and onnxruntime, and name its program in 'engines.python.interpreter'",
  });
}

function lastLine(errors: string): string {
  return errors.trim().split('\n').at(-1)?.slice(0, 500) ?? '';
}

/** Whether any of them computes beside the processor. */
export function usesDevices(providers: readonly Provider[]): boolean {
  return providers.some(({ name }) => name !== CPU_PROVIDER);
}
