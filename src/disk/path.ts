import { fileURLToPath } from 'node:url';

/** Paths of this machine, for code that otherwise touches nothing of it. `resolve` makes them absolute. */
export { basename, dirname, extname, join, resolve } from 'node:path';

/** The path of a file: URL. */
export function pathOf(url: URL): string {
  return fileURLToPath(url);
}
