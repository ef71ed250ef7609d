import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../../core/mod.js';

/**
 * A process group is named by its first process; it lives on while any member does. Zombies do not count: where
 * nobody reaps orphans (containers), they would keep a group alive for ever.
 */
export function isGroupAlive(groupId: number): boolean {
  if (!signalGroup(groupId, 0)) return false;
  const members = membersOf(groupId);
  return members === undefined || members.length > 0;
}

/** SIGTERM to the whole group, then SIGKILL to what is left after the grace. Resolves when the group is gone. */
export async function endGroup(groupId: number, graceMs: number, clock: Clock): Promise<void> {
  if (!signalGroup(groupId, 'SIGTERM')) return;
  const killAtMs = clock.monotonicMs() + graceMs;
  while (isGroupAlive(groupId) && clock.monotonicMs() < killAtMs) await clock.sleep(POLL_MS);
  signalGroup(groupId, 'SIGKILL');
  const giveUpAtMs = clock.monotonicMs() + AFTER_KILL_MS;
  while (isGroupAlive(groupId) && clock.monotonicMs() < giveUpAtMs) await clock.sleep(POLL_MS);
}

const POLL_MS = 20;
/** A process in uninterruptible sleep does not die of SIGKILL at once. */
const AFTER_KILL_MS = 2_000;

/** @returns false where there is no such group */
function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Living members, or undefined where /proc does not tell. */
function membersOf(groupId: number): number[] | undefined {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return undefined;
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = processStat(pid);
      return stat !== undefined && stat.group === groupId && stat.state !== 'Z' && stat.state !== 'X';
    });
}

/** What /proc says of a process; `started` is clock ticks since boot. Undefined where it is gone. */
export function processStat(
  pid: number,
): { readonly state: string; readonly group: number; readonly started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command stands in brackets and may hold spaces; the state is the first field after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', group: Number(fields[2]), started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
