import { join } from '../../disk/mod.js';
import type { Profile } from './api/mod.js';

/** Where things are below the Greengrass root; the same on a core. */
export interface RootPaths {
  readonly root: string;
  readonly socket: string;
  readonly logs: string;
  readonly recipes: string;
  /** What this nucleus runs: one file per process group, so that a killed nucleus leaves no orphans for good. */
  readonly run: string;
  readonly state: string;
  /** HOME of the components' user. */
  readonly home: string;
  /** Stand-ins for commands of the system, ahead in PATH. */
  readonly bin: string;
  work(component: string): string;
  log(component: string): string;
  artifacts(component: string, version: string): string;
  unarchived(component: string, version: string): string;
}

export function rootPaths(root: string, profile: Profile): RootPaths {
  return {
    root,
    socket: join(root, profile === 'lite' ? 'gg-ipc.socket' : 'ipc.socket'),
    logs: join(root, 'logs'),
    recipes: join(root, 'packages', 'recipes'),
    run: join(root, 'run'),
    state: join(root, 'config', 'nucleus.json'),
    home: join(root, 'home'),
    bin: join(root, 'bin'),
    work: (component) => join(root, 'work', component),
    log: (component) => join(root, 'logs', `${component}.log`),
    artifacts: (component, version) => join(root, 'packages', 'artifacts', component, version),
    unarchived: (component, version) => join(root, 'packages', 'artifacts-unarchived', component, version),
  };
}
