// Builds what is missing or stale: npm hooks do not run (ignore-scripts), so every command asks here first.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineChild, engineChildPath } from './engine-child.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = [
  'src',
  'recipes',
  'components',
  'deploy',
  'examples',
  'test',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
];
const stamp = join(root, 'dist', '.built');

function newest(path) {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return 0;
  if (!info.isDirectory()) return info.mtimeMs;
  // A folder's own time tells of files that were removed.
  let latest = info.mtimeMs;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'greengrass-build' || entry.name.startsWith('.'))
      continue;
    if (!entry.isDirectory() && !/\.(ts|json|yaml)$/.test(entry.name)) continue;
    latest = Math.max(latest, newest(join(path, entry.name)));
  }
  return latest;
}

/** Compiles the project when a source is newer than the last build. A failed compile ends the process. */
export function buildIfStale({ force = false } = {}) {
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  const wanted = Math.max(...sources.map((source) => newest(join(root, source))));
  if (!force && built >= wanted) return;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(compiler)) {
    console.error('Cannot build the project as its dependencies are not installed: run npm ci first');
    process.exit(1);
  }
  if (force) rmSync(join(root, 'dist'), { recursive: true, force: true });
  const begun = new Date();
  try {
    execFileSync(process.execPath, [compiler, '-p', root], { stdio: ['ignore', 2, 2] });
  } catch {
    process.exit(1);
  }
  writeFileSync(engineChildPath(root), engineChild(root).text);
  writeFileSync(stamp, '');
  // A source saved while the compiler ran must count as newer than this build.
  utimesSync(stamp, begun, begun);
}
