import { readFile } from 'node:fs/promises';

/**
 * Memory that a process holds, in bytes: PSS (shared pages by their share), or RSS where the kernel does not give
 * PSS. Read from outside, so a process that is busy answers too.
 */
export async function measureProcess(pid: number): Promise<number> {
  const [rollup, status] = await Promise.all([read(pid, 'smaps_rollup'), read(pid, 'status')]);
  return kilobytes(rollup, 'Pss') ?? kilobytes(status, 'VmRSS') ?? 0;
}

/**
 * The part of it that the kernel cannot take back when memory is short: without the pages of files that are mapped,
 * such as weights, which it can drop and read again.
 */
export async function heldBytes(pid: number): Promise<number> {
  const rollup = await read(pid, 'smaps_rollup');
  const pss = kilobytes(rollup, 'Pss');
  const ofFiles = kilobytes(rollup, 'Pss_File');
  return pss === undefined || ofFiles === undefined ? await residentBytes(pid) : pss - ofFiles;
}

/** Resident memory without mapped files, which costs the kernel much less to tell than PSS. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await read(pid, 'status');
  const ofFiles = kilobytes(status, 'RssFile') ?? 0;
  return (kilobytes(status, 'VmRSS') ?? 0) - ofFiles;
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
