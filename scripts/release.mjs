// npm run release -- VERSION | --again: see deploy/release/main.ts and CONTRIBUTING.md.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildIfStale, root } from './fresh.mjs';

buildIfStale();
const { runRelease } = await import(pathToFileURL(join(root, 'dist', 'deploy', 'release', 'main.js')).href);
await runRelease(root, process.argv.slice(2));
