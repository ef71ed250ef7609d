import { readdirSync, readFileSync } from 'node:fs';

/** A file of /proc; empty where its process or thread has ended meanwhile. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The threads of a process; none where it has ended. */
export function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Whatever thread of a process started them. */
export function childrenOf(pid: number): number[] {
  return tasksOf(pid).flatMap((task) =>
    readProc(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** CPU time that a thread has used so far. */
export function taskCpuMs(pid: number, task: string): number {
  const [ranNs = '0'] = readProc(`/proc/${pid}/task/${task}/schedstat`).split(' ');
  return Number(ranNs) / 1e6;
}
