import { atMost } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { loadLoop } from './hang.js';
import { cpuMs, descendants, wakeUps } from './processes.js';

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
    await new Promise((resolve) => setTimeout(resolve, bench.share(3000)));
    // All below the nucleus, which is this process: what other rows started has ended.
    const pids = descendants('').map(({ pid }) => pid);
    const used = (of: (pid: number) => number): number => pids.reduce((sum, pid) => sum + of(pid), 0);
    const [begunMs, cpuBefore, wakeUpsBefore] = [performance.now(), used(cpuMs), used(wakeUps)];
    await new Promise((resolve) => setTimeout(resolve, bench.share(1000 * SECONDS)));
    const seconds = (performance.now() - begunMs) / 1000;
    const detail = { hosts: rig.hosts().length, processes: pids.length, seconds };
    return [
      atMost(1, {
        figure: 'idle, five hosts, CPU of one core',
        value: (used(cpuMs) - cpuBefore) / (10 * seconds),
        unit: '%',
        detail,
      }),
      atMost(10, {
        figure: 'idle, five hosts, voluntary context switches of all threads',
        value: (used(wakeUps) - wakeUpsBefore) / seconds,
        unit: '/s',
        detail,
      }),
    ];
  },
};
