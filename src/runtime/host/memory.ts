import { readFile } from 'node:fs/promises';

/**
 * Memory that a process holds, in bytes: PSS (shared pages by their share), or RSS where the kernel does not give
 * PSS. Read from outside, so a process that is busy answers too.
 */
export async function measureProcess(pid: number): Promise<number> {
  const [rollup, status] = await Promise.all([read(pid, 'smaps_rollup'), read(pid, 'status')]);
  return kilobytes(rollup, 'Pss') ?? kilobytes(status, 'VmRSS') ?? 0;
}

/** Resident memory, which costs the kernel much less to tell than PSS. */
export async function residentBytes(pid: number): Promise<number> {
  return kilobytes(await read(pid, 'status'), 'VmRSS') ?? 0;
}

async function read(pid: number, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function kilobytes(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text);
  return match === null ? undefined : Number(match[1]) * 1024;
}
