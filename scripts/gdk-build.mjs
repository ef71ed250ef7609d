// The custom build of all gdk projects here: `gdk component build` runs it in the project's folder.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildIfStale, root } from './fresh.mjs';

buildIfStale();
const { runGdkBuild } = await import(pathToFileURL(join(root, 'dist', 'deploy', 'build', 'main.js')).href);
await runGdkBuild(process.cwd(), root, process.argv.slice(2));
