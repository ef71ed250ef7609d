import type { EngineSettings } from '../../src/runtime/host/port/mod.js';
import { pythonAbsence, pythonProgram } from './python-host.js';

/** What runs models: hosts of both kinds are held to the same. */
export interface HostEngine {
  readonly name: 'node' | 'python';
  /** Why it can't be tried here, or undefined. */
  absence(): string | undefined;
  /** Settings of hosts by which the named models run there. */
  settings(...models: readonly string[]): { readonly engines?: EngineSettings };
}

export const HOST_ENGINES: readonly HostEngine[] = [
  { name: 'node', absence: () => undefined, settings: () => ({}) },
  {
    name: 'python',
    absence: () => pythonAbsence('numpy', 'onnxruntime'),
    settings: (...models) => ({
      engines: {
        interpreter: pythonProgram(),
        models: Object.fromEntries(models.map((name) => [name, { providers: [] }])),
      },
    }),
  },
];
