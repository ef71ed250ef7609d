import { childrenOf, readProc, taskCpuMs, tasksOf } from './proc.js';

/** What a thread has done since it began, as /proc counts it. */
interface ThreadCounts {
  readonly pid: number;
  /** As the thread calls itself, such as `libuv-worker`. */
  readonly thread: string;
  /** Where a process's own JavaScript runs, and its timers. */
  readonly isMain: boolean;
  /** Voluntary context switches: it slept, and something woke it. */
  readonly wakeUps: number;
  readonly cpuMs: number;
}

/** What processes did in a time. */
export interface Activity {
  readonly seconds: number;
  readonly wakeUps: number;
  readonly wakeUpsPerSecond: number;
  readonly cpuPercent: number;
  /** Those that woke, who did so most often first. */
  readonly threads: readonly ThreadCounts[];
}

/**
 * Counts how often threads of these processes wake, and what they burn, while `act` runs. A process that ends
 * meanwhile counts for nothing; one thread that begins counts from its beginning.
 * @example const { wakeUpsPerSecond } = await activityOf([pid], () => sleep(10_000));
 */
export async function activityOf(pids: readonly number[], act: () => Promise<unknown>): Promise<Activity> {
  const before = countsOf(pids);
  const begunMs = performance.now();
  await act();
  const after = countsOf(pids);
  const seconds = (performance.now() - begunMs) / 1000;
  const threads = [...after]
    .map(([task, { wakeUps, cpuMs, ...thread }]) => {
      const earlier = before.get(task);
      return {
        ...thread,
        wakeUps: wakeUps - (earlier?.wakeUps ?? 0),
        cpuMs: cpuMs - (earlier?.cpuMs ?? 0),
      };
    })
    .filter(({ wakeUps }) => wakeUps > 0)
    .toSorted((a, b) => b.wakeUps - a.wakeUps);
  const sum = (of: (counts: ThreadCounts) => number): number =>
    threads.reduce((total, counts) => total + of(counts), 0);
  const wakeUps = sum((counts) => counts.wakeUps);
  return {
    seconds,
    wakeUps,
    wakeUpsPerSecond: wakeUps / seconds,
    cpuPercent: sum((counts) => counts.cpuMs) / (seconds * 10),
    threads,
  };
}

/** A process and all below it. */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

/** By task id, which no two threads share. */
function countsOf(pids: readonly number[]): Map<string, ThreadCounts> {
  return new Map(pids.flatMap((pid) => tasksOf(pid).flatMap((task) => countsOfTask(pid, task))));
}

function countsOfTask(pid: number, task: string): [string, ThreadCounts][] {
  const status = readProc(`/proc/${pid}/task/${task}/status`);
  const wakeUps = /^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1];
  if (wakeUps === undefined) return [];
  const thread = /^Name:\s+(.+)$/m.exec(status)?.[1] ?? '';
  const isMain = task === String(pid);
  return [[task, { pid, thread, isMain, wakeUps: Number(wakeUps), cpuMs: taskCpuMs(pid, task) }]];
}
