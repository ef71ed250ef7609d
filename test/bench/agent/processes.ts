import { childrenOf, readProc, taskCpuMs, tasksOf } from '../../lib/proc.js';

const KIB = 1024;

/** A process of the agent, as /proc shows it. */
export interface Descendant {
  readonly pid: number;
  readonly command: string;
}

/** All living processes below this one whose command line holds `part`. */
export function descendants(part: string, root = process.pid): Descendant[] {
  const found: Descendant[] = [];
  for (const pid of childrenOf(root)) {
    const command = readProc(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    if (command.includes(part)) found.push({ pid, command });
    found.push(...descendants(part, pid));
  }
  return found;
}

/** CPU time that the process has used so far, all threads. */
export function cpuMs(pid: number): number {
  return tasksOf(pid).reduce((sum, task) => sum + taskCpuMs(pid, task), 0);
}

/** Memory that nobody else shares, in megabytes: what the process's end would give back. */
export function privateMb(pid: number): number {
  const rollup = readProc(`/proc/${pid}/smaps_rollup`);
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
  return ((kilobytes('Private_Clean') + kilobytes('Private_Dirty')) * KIB) / 1e6;
}

export function isAlive(pid: number): boolean {
  const state = /\) (\w)/.exec(readProc(`/proc/${pid}/stat`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}
