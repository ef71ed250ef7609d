import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The absolute path of an entry point beside another, compiled or bundled: all of a component's lie in one folder.
 * @param url the other's import.meta.url
 */
export function siblingEntry(url: string, name: string): string {
  return fileURLToPath(new URL(`./${name}${extname(url)}`, url));
}
