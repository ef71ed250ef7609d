import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes a text below a folder, with the folders in between. */
export function write(folder, name, text) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

export function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** Source maps stay at home, as the sources do. */
export function withoutMap(text) {
  return text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
}

export const read = (path) => readFileSync(path, 'utf8');
export const readJson = (path) => JSON.parse(read(path));

/** Bytes of all files below a folder. */
export function bytesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
