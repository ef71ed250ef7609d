// node scripts/run.mjs <file below dist> [arguments]: builds what is stale, then runs it in this process.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildIfStale, root } from './fresh.mjs';

const [target, ...args] = process.argv.slice(2);
buildIfStale();
const file = join(root, 'dist', target);
process.argv = [process.argv[0], file, ...args];
await import(pathToFileURL(file).href);
