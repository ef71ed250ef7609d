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
 * The root's ranges for these packages.
 * @param declared what the package shall depend on
 * @param used by name, the first file that uses it
 */
export function rangesOf(what, declared, used, { dependencies }) {
  for (const [name, file] of used) {
    if (!declared.includes(name))
      throw new Error(`Cannot pack ${what} as ${file} imports ${name}, which it does not declare`);
  }
  const ranges = {};
  for (const name of declared.toSorted()) {
    if (!used.has(name))
      throw new Error(`Cannot pack ${what} as it declares ${name}, which none of its files imports`);
    if (dependencies[name] === undefined)
      throw new Error(`Cannot pack ${what} as the root's package.json does not depend on ${name}`);
    ranges[name] = dependencies[name];
  }
  return ranges;
}

export function renderManifest(manifest) {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
