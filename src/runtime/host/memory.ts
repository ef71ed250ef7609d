import { open } from 'node:fs/promises';

const READ_BYTES = 8192;

/**
 * Memory that a process holds, in bytes: PSS (shared pages by their share), or RSS where the kernel does not give
 * PSS. Read from outside, so a process that is busy answers too.
 */
export async function measureProcess(pid: number): Promise<number> {
  const pss = kilobytes(await read(pid, 'smaps_rollup'), 'Pss');
  return pss ?? kilobytes(await read(pid, 'status'), 'VmRSS') ?? 0;
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

/** By one read, as each step wakes a thread: both files are far smaller. */
async function read(pid: number, file: string): Promise<string> {
  try {
    await using handle = await open(`/proc/${pid}/${file}`);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(READ_BYTES));
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  }
}

function kilobytes(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text);
  return match === null ? undefined : Number(match[1]) * 1024;
}
