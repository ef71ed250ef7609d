import { EdgeError } from '../../src/core/mod.js';
import { Printer } from '../print/mod.js';
import { buildProject } from './gdk-build.js';
import { PLATFORMS, platformHere, type Platform } from './platforms.js';

/**
 * `node scripts/gdk-build.mjs [--platform NAME|here] [--form zip|plain] [--out FOLDER] [--with-node FOLDER]` in a gdk project's folder.
 * gdk itself gives no arguments.
 */
export async function runGdkBuild(folder: string, root: string, args: readonly string[]): Promise<void> {
  const print = new Printer({ out: process.stdout, error: process.stderr });
  try {
    const option = (name: string): string | undefined => {
      const at = args.indexOf(`--${name}`);
      return at < 0 ? undefined : args[at + 1];
    };
    const out = option('out');
    const nodeFolder = option('with-node');
    const built = await buildProject(folder, {
      root,
      platforms: platformsOf(option('platform')),
      form: option('form') === 'plain' ? 'plain' : 'zip',
      ...(out === undefined ? {} : { out }),
      ...(nodeFolder === undefined ? {} : { nodeFolder }),
    });
    const megabytes = (built.sizeBytes / 1e6).toFixed(1);
    print.line(`Built ${built.recipe.ComponentName}: ${built.files.length} artifacts, ${megabytes} MB`);
  } catch (thrown) {
    print.failure(thrown);
    process.exitCode = 1;
  }
}

export function platformsOf(name: string | undefined): readonly Platform[] {
  if (name === undefined) return PLATFORMS;
  const found = name === 'here' ? platformHere() : PLATFORMS.find((platform) => platform.name === name);
  if (found === undefined) {
    const known = PLATFORMS.map((platform) => platform.name).join(', ');
    throw new EdgeError('OPTION_INVALID', `Cannot build for platform '${name}': known are ${known} and here`);
  }
  return [found];
}
