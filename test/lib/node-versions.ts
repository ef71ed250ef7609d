import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The majors of Node that the package promises to run on. */
export const NODE_MAJORS = [20, 22, 24] as const;

/** The executable of a major of Node: this process's own, or the one that .ci/tools keeps; undefined where there is none. */
export function nodeOf(major: number): string | undefined {
  const isMajor = (executable: string): boolean => {
    const { stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8' });
    return stdout?.startsWith(`v${major}.`) === true;
  };
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return [process.execPath, join(cache, 'edge-manager-ci', `node-${major}`, 'node')].find(isMajor);
}
