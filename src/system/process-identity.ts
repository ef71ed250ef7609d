import { fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';

/** A process that is told from a later one with the same number by the time it started. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot; empty where /proc does not tell. */
  readonly started: string;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: (await startedTicks(process.pid)) ?? '' };
}

/** False only where the process is known to be gone. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (identity.started === '') {
    try {
      process.kill(identity.pid, 0);
      return true;
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'EPERM';
    }
  }
  return (await startedTicks(identity.pid)) === identity.started;
}

async function startedTicks(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command stands in brackets and may hold spaces; field 22 is the 20th after it. A zombie has ended.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Which boot this is, and its clock that never jumps: the same for all processes between two boots. */
export interface BootIdentity {
  readonly bootId: string;
  monotonicMs(): number;
}

/** Linux's boot id and CLOCK_MONOTONIC; elsewhere an id that lasts as long as the process. */
export async function readBootIdentity(): Promise<BootIdentity> {
  let bootId: string;
  try {
    bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    bootId = randomUUID();
  }
  return { bootId, monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000 };
}

/**
 * Whether a descriptor leads to the journal itself. The variable alone says nothing: the Java nucleus passes on its
 * own to components whose output it reads.
 * @param stream JOURNAL_STREAM, as systemd sets it: device and inode
 */
export function isJournal(stream: string | undefined, descriptor: number): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
