import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, CODE_COMPONENTS, nativeFiles, platformHere } from '../../deploy/build/mod.js';
import { ROOT } from '../../examples/stage/root.js';

/** What the bundles are made of, relative to the root. */
const SOURCES = ['src', 'components', 'deploy/build', 'package-lock.json'];

/**
 * A folder with what the device artifacts hold, one folder a component. It is built once for the sources as they
 * are, and shared by all tests: nobody writes into it.
 */
export async function shippedComponents(): Promise<string> {
  const known = shipped.get(ROOT) ?? shippedNow();
  shipped.set(ROOT, known);
  return await known;
}

/** By root: reading all sources costs 0.15 s of CPU, and those that this process was built of stay as they are. */
const shipped = new Map<string, Promise<string>>();

async function shippedNow(): Promise<string> {
  const parent = join(ROOT, 'dist', 'shipped');
  const folder = join(parent, await sourcesDigest());
  if (existsSync(folder)) return folder;
  await mkdir(parent, { recursive: true });
  const draft = await mkdtemp(join(parent, 'draft-'));
  await ship(draft);
  // A test of another process may have been first; both folders hold the same.
  await rename(draft, folder).catch(async (thrown: unknown) => {
    if (!existsSync(folder)) throw thrown;
    await rm(draft, { recursive: true });
  });
  return folder;
}

/** The path of a component's bundled entry point, such as `control.js` of the agent; `.js` may be left out. */
export async function shippedScript(component: string, entry: string): Promise<string> {
  return join(await shippedComponents(), component, entry.includes('.') ? entry : `${entry}.js`);
}

async function ship(folder: string): Promise<void> {
  const platform = platformHere();
  if (platform === undefined)
    throw new Error('Cannot bundle the components as this is not Linux on x64 or arm64');
  for (const component of CODE_COMPONENTS) {
    const { name, native } = component;
    const own = join(folder, name);
    await mkdir(own);
    const { files } = await bundle(component, ROOT);
    for (const file of files) await writeFile(join(own, file.name), file.bytes);
    await writeFile(join(own, 'package.json'), '{"type":"module"}');
    for (const file of nativeFiles(native, platform)) await copyFile(file.from, join(own, file.name));
  }
}

async function sourcesDigest(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await Promise.all(SOURCES.map(filesBelow))).flat().sort())
    hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

/** The sources in a file or folder, relative to the root. */
async function filesBelow(path: string): Promise<string[]> {
  if (path.endsWith('.json')) return [path];
  const entries = await readdir(join(ROOT, path), { recursive: true });
  return entries
    .filter((entry) => /\.(ts|py)$/.test(entry) && !entry.includes('greengrass-build'))
    .map((entry) => join(path, entry));
}
