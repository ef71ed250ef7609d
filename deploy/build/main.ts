import { Printer } from '../print/mod.js';
import { buildProject } from './gdk-build.js';
import { platformsOf } from './platforms.js';

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
