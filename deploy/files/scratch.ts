import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder below the system's temporary one, which nobody else uses. */
export function freshFolder(prefix: string): Promise<string> {
  return mkdtemp(join(tmpdir(), prefix));
}

/** Gives a fresh folder to `act`, and removes it after. */
export async function withScratch<T>(prefix: string, act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await freshFolder(prefix);
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
