import { activityOf, type Activity } from '../../lib/wake-ups.js';
import { atMost } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { loadLoop } from './hang.js';
import { descendants, type Descendant } from './processes.js';

const SECONDS = 60;
const MODELS = ['SileroVad', 'PaddleOcrDet', 'PaddleOcrRec', 'PaddleOcrCls'] as const;

export const idle: BenchRow = {
  name: 'idle',
  about: `CPU and voluntary context switches of all threads of our processes, five models in five hosts and nothing to do, for ${SECONDS} s`,
  run: async (bench) => {
    const rig = await bench.rig();
    for (const model of MODELS) {
      const { name } = await rig.install(model);
      await rig.admin.load({ name });
    }
    await loadLoop(bench, rig);
    await new Promise((resolve) => setTimeout(resolve, bench.share(5000)));
    const processes = ours(rig.stage.nucleus.rootPath);
    const pids = processes.map(({ pid }) => pid);
    const activity = await activityOf(
      pids,
      () => new Promise((resolve) => setTimeout(resolve, bench.share(1000 * SECONDS))),
    );
    const detail = {
      hosts: rig.hosts().length,
      processes: pids.length,
      seconds: activity.seconds,
      ...mostAwake(processes, activity),
    };
    return [
      atMost(1, {
        figure: 'idle, five hosts, CPU of one core',
        value: activity.cpuPercent,
        unit: '%',
        detail,
      }),
      atMost(10, {
        figure: 'idle, five hosts, voluntary context switches of all threads',
        value: activity.wakeUpsPerSecond,
        unit: '/s',
        detail,
      }),
    ];
  },
};

/** What components started, and all below it: this process also has compilers and floors as children. */
function ours(nucleusRoot: string): Descendant[] {
  const launchers = descendants(nucleusRoot).filter(({ command }) => command.includes('main.js'));
  const all = launchers.flatMap((launcher) => [launcher, ...descendants('', launcher.pid)]);
  return [...new Map(all.map((one) => [one.pid, one])).values()];
}

/** Wake-ups a second of the five threads that woke most, by program and thread. */
function mostAwake(processes: readonly Descendant[], { threads, seconds }: Activity): Record<string, number> {
  const programs = new Map(processes.map(({ pid, command }) => [pid, programOf(command)]));
  return Object.fromEntries(
    threads
      .slice(0, 5)
      .map(({ pid, thread, wakeUps }, at) => [
        `${at + 1}. ${programs.get(pid)} (${thread})`,
        wakeUps / seconds,
      ]),
  );
}

/** @example programOf('node --import monitor.js /gg/agent/control.js') // 'agent/control.js' */
function programOf(command: string): string {
  const script = command.split(' ').findLast((part) => /\.c?js$/.test(part)) ?? command.slice(0, 40);
  return script.split('/').slice(-2).join('/');
}
