import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CODE_COMPONENTS } from '../../deploy/build/components.js';
import { buildProject } from '../../deploy/build/gdk-build.js';
import { platformsOf } from '../../deploy/build/main.js';
import { ROOT } from './root.js';

/** The version that the stage gives to builds that say NEXT_PATCH. */
export const COMPONENT_VERSION = '1.0.0';

/**
 * The gdk builds of all components with code, for this machine; kept below dist/ until something is compiled anew.
 * @returns the folders that hold a greengrass-build
 */
export async function buildCodeComponents(
  form: 'zip' | 'plain',
  progress: (text: string) => void,
): Promise<readonly { readonly path: string; readonly version: string }[]> {
  const compiled = String((await stat(join(ROOT, 'dist', '.built'))).mtimeMs);
  const builds: { path: string; version: string }[] = [];
  for (const component of CODE_COMPONENTS) {
    const path = join(ROOT, 'dist', 'stage', form, component.artifact);
    const stamp = join(path, 'built-from');
    const before = await readFile(stamp, 'utf8').catch(() => '');
    if (before !== compiled) {
      progress(`building ${component.name}`);
      await mkdir(path, { recursive: true });
      await buildProject(join(ROOT, component.folder), {
        root: ROOT,
        platforms: platformsOf('here'),
        form,
        out: path,
      });
      await writeFile(stamp, compiled);
    }
    builds.push({ path, version: COMPONENT_VERSION });
  }
  return builds;
}
