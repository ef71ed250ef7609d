import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpoolObject } from '../../../src/capture/mod.js';

/** A bucket with conditional puts, as a folder that outlives killed processes: a second put of a key must bring the same bytes. */
export async function putObject(folder: string, { key, bytes }: SpoolObject): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, key.replaceAll('/', '!'));
  const known = await readFile(path).catch(() => undefined);
  if (known === undefined) {
    await writeFile(`${path}.part`, bytes);
    await rename(`${path}.part`, path);
  } else if (!known.equals(bytes)) throw new Error(`The object ${key} was stored with other bytes`);
}

export async function readObjects(folder: string): Promise<{ key: string; bytes: Uint8Array }[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return await Promise.all(
    names
      .filter((name) => !name.endsWith('.part'))
      .map(async (name) => ({ key: name.replaceAll('!', '/'), bytes: await readFile(join(folder, name)) })),
  );
}
