// node scripts/pack.mjs [--platform here] [--out FOLDER]: what npm publishes, one folder each below dist/packages,
// with its sizes. `npm pack` or `npm publish` in such a folder does the rest.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildIfStale, root } from './fresh.mjs';
import { closure } from './pack/closure.mjs';
import { packClient } from './pack/client.mjs';
import { packCommandLine } from './pack/command-line.mjs';
import { bytesBelow } from './pack/files.mjs';
import { refuseUnused, rootManifest } from './pack/manifest.mjs';

const { values } = parseArgs({ options: { platform: { type: 'string' }, out: { type: 'string' } } });
buildIfStale();
const out = resolve(values.out ?? join(root, 'dist', 'packages'));
const manifest = rootManifest(root);
const packages = [
  { folder: 'client', pack: packClient },
  { folder: 'command-line', pack: packCommandLine },
];
// What the agent's hosts load by a path.
const used = new Set(['koffi', ...closure(root, componentPrograms()).packages.keys()]);
for (const { folder, pack } of packages) {
  const path = join(out, folder);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  const packed = await pack({ root, out: path, manifest, isForHere: values.platform === 'here' });
  for (const name of packed.used.keys()) used.add(name);
  const { name, version } = packed.made;
  console.log(`${name} ${version}: ${(bytesBelow(path) / 1e6).toFixed(1)} MB in ${path}`);
}
refuseUnused(manifest, used);

function componentPrograms() {
  return readdirSync(join(root, 'dist/components'), { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join('dist/components', name));
}
