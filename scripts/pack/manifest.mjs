import { join } from 'node:path';
import { readJson } from './files.mjs';

export function rootManifest(root) {
  return readJson(join(root, 'package.json'));
}

/** What every package says as the root does. */
export function commonOf({ version, license, engines, type }) {
  return { version, license, engines, type };
}

/**
 * The root's ranges of the packages that a closure uses.
 * @param used by name, the first file that uses it
 */
export function rangesOf(what, used, { dependencies }) {
  for (const [name, file] of used) {
    if (dependencies[name] !== undefined) continue;
    throw new Error(
      `Cannot pack ${what} as ${file} imports ${name}, on which the root's package.json does not depend`,
    );
  }
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => used.has(name)));
}

/** A dependency that nothing of ours imports would be installed for nothing. */
export function refuseUnused({ dependencies }, used) {
  const unused = Object.keys(dependencies).filter((name) => !used.has(name));
  if (unused.length > 0)
    throw new Error(`Cannot pack as nothing imports the dependencies ${unused.join(', ')}`);
}

export function renderManifest(manifest) {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
