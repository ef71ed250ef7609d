import { extname, pathOf } from '../../disk/mod.js';

/**
 * The absolute path of an entry point beside another, compiled or bundled: all of a component's lie in one folder.
 * @param url the other's import.meta.url
 * @param extension of another kind of module; default: the other's
 */
export function siblingEntry(url: string, name: string, extension = extname(url)): string {
  return pathOf(new URL(`./${name}${extension}`, url));
}
