import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder below the system's temporary one, or below another, which nobody else uses. */
export function freshFolder(prefix: string, parent = tmpdir()): Promise<string> {
  return mkdtemp(join(parent, prefix));
}

/** Gives a fresh folder to `act`, and removes it after. */
export async function withScratch<T>(
  prefix: string,
  act: (folder: string) => Promise<T>,
  parent?: string,
): Promise<T> {
  const folder = await freshFolder(prefix, parent);
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
