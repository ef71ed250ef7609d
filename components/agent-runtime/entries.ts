import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

export type EntryName = 'main' | 'control' | 'model-host' | 'register-model' | 'local-cli';

/** The absolute path of a sibling entry point, compiled or bundled: all of them lie in one folder. */
export function entry(name: EntryName): string {
  return fileURLToPath(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url));
}
