import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildProject, CODE_COMPONENTS, platformsOf, type CodeComponent } from '../../deploy/build/mod.js';
import { VERSION } from '../../src/system/mod.js';
import { ROOT } from './root.js';

/** What the stage deploys is built from this checkout. */
export const COMPONENT_VERSION = VERSION;

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
    const kept = join(ROOT, 'dist', 'stage', form, component.artifact);
    const path = join(kept, compiled);
    if (!existsSync(path)) {
      progress(`building ${component.name}`);
      await rm(kept, { recursive: true, force: true });
      await build(component, form, path);
    }
    builds.push({ path, version: COMPONENT_VERSION });
  }
  return builds;
}

/** Builds aside: where two processes build at once, either's result will do. */
async function build(component: CodeComponent, form: 'zip' | 'plain', path: string): Promise<void> {
  await mkdir(join(ROOT, 'dist', 'stage'), { recursive: true });
  const draft = await mkdtemp(join(ROOT, 'dist', 'stage', 'draft-'));
  try {
    await buildProject(join(ROOT, component.folder), {
      root: ROOT,
      platforms: platformsOf('here'),
      form,
      out: draft,
    });
    await mkdir(join(path, '..'), { recursive: true });
    await rename(draft, path).catch((thrown: unknown) => {
      if (!existsSync(path)) throw thrown;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
