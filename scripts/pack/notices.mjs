import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageName } from './closure.mjs';
import { write } from './files.mjs';

/** The licences of what is inside a package; one that may not be shipped stops it. */
export async function writeNotices(root, out, names) {
  const { licencesFile, shippedPackages } = await import(
    pathToFileURL(join(root, 'dist/deploy/build/mod.js')).href
  );
  const text = licencesFile(shippedPackages(names.toSorted(), root)).replace('this artifact', 'this package');
  write(out, 'THIRD-PARTY-LICENCES.txt', text);
}

/** Those that the files of a bundle are of. */
export function npmPackages(paths) {
  const names = paths.flatMap((path) => {
    const inside = path.split('node_modules/').at(-1);
    return path.includes('node_modules/') ? [packageName(inside)] : [];
  });
  return [...new Set(names)];
}
