import { extname, pathOf } from '../../disk/mod.js';

/**
 * The absolute path of an entry point beside another, compiled or bundled: all of a component's lie in one folder.
 * @param url the other's import.meta.url
 */
export function siblingEntry(url: string, name: string): string {
  return pathOf(new URL(`./${name}${extname(url)}`, url));
}
