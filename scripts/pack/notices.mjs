import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { write } from './files.mjs';

/** The licences of what is inside a package; one that may not be shipped stops it. */
export async function writeNotices(root, out, names) {
  const { licencesFile, shippedPackages } = await import(
    pathToFileURL(join(root, 'dist/deploy/build/mod.js')).href
  );
  const text = licencesFile(shippedPackages(names.toSorted(), root)).replace('this artifact', 'this package');
  write(out, 'THIRD-PARTY-LICENCES.txt', text);
}
