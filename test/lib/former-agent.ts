import { execFileSync, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';
import type { Programs } from './fault-device.js';

/** The commit whose devices go on, and to which a device may be rolled back. */
export const FORMER = '192c4d1';

/** Why that commit can't be built here; undefined: it can. */
export function withoutHistory(): string | undefined {
  const { status } = spawnSync('git', ['cat-file', '-e', `${FORMER}^{commit}`], { cwd: ROOT });
  return status === 0 ? undefined : 'this checkout has no such commit in its history';
}

/** Builds that commit with the packages of this one, in a few seconds. */
export function buildFormer(folder: string): Programs {
  const archive = execFileSync('git', ['archive', FORMER], { cwd: ROOT, maxBuffer: 2 ** 30 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, [join(folder, 'scripts', 'build.mjs')], { stdio: 'inherit' });
  const components = join(folder, 'dist', 'components');
  return {
    agent: join(components, 'agent-runtime', 'control.js'),
    uploader: join(components, 'capture-uploader', 'upload.js'),
  };
}
