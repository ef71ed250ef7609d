import { readFileSync } from 'node:fs';
import { descendants } from '../agent/processes.js';

const PERIOD_MS = 20;

/** The most that one process held, in MB. */
export interface Peak {
  /** Its own memory (RssAnon and RssShmem), looked at every 20 ms. */
  readonly ownMb: number;
  /** All that was resident at once (VmHWM, the kernel's own account), pages of mapped files included. */
  readonly residentMb: number;
}

/** Watches all processes below one while something happens, and gives the largest peaks that a single one had. */
export async function peakOf<T>(
  root: () => number,
  act: () => Promise<T>,
): Promise<{ peak: Peak; result: T }> {
  let ownMb = 0;
  let residentMb = 0;
  const look = (): void => {
    for (const pid of [root(), ...descendants('', root()).map((found) => found.pid)]) {
      const status = statusOf(pid);
      ownMb = Math.max(ownMb, megabytes(status, 'RssAnon') + megabytes(status, 'RssShmem'));
      residentMb = Math.max(residentMb, megabytes(status, 'VmHWM'));
    }
  };
  const timer = setInterval(look, PERIOD_MS);
  try {
    const result = await act();
    look();
    return { peak: { ownMb, residentMb }, result };
  } finally {
    clearInterval(timer);
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function megabytes(status: string, name: string): number {
  return (Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024) / 1e6;
}
