import { median } from '../../../examples/floors/mod.js';
import { atMost, type BenchRow } from '../figure.js';
import { speechInputs } from './inputs.js';
import { cpuMs, descendants, privateMb } from './processes.js';
import type { Rig } from './rig.js';

const CYCLES = 100;
const WARM_CYCLES = 10;
const IDLE_SECONDS = 15;

export const memory: BenchRow = {
  name: 'memory',
  about: 'private bytes of the control process and of a host after 500 runs, beside a bare session in Node',
  run: async (bench) => {
    const rig = await bench.rig();
    await rig.admin.unload({ name: 'SileroVad' }).catch(() => undefined);
    const { modelFile, name } = await rig.install('SileroVad');
    const before = new Set(rig.hosts());
    await rig.admin.load({ name });
    const host = rig.hosts().find((pid) => !before.has(pid)) ?? rig.hosts()[0] ?? 0;
    const [app, bare] = await Promise.all([rig.startApp(), rig.startBare(modelFile)]);
    const inputs = speechInputs();
    await app.ask({ kind: 'predict', model: 'SileroVad', inputs, count: 500, capture: 'never' });
    await bare.ask({ inputs, count: 500 });
    const [barePid] = descendants('floors/bare.js').map(({ pid }) => pid);
    const [controlMb, hostMb, bareMb] = [privateMb(rig.control()), privateMb(host), privateMb(barePid ?? 0)];
    await Promise.all([app.close(), bare.close()]);
    return [
      atMost(60, {
        figure: 'private bytes of the control process',
        value: controlMb,
        unit: 'MB',
        detail: { models: rig.hosts().length },
      }),
      atMost(10, {
        figure: 'private bytes of a host over a bare session in Node',
        value: hostMb - bareMb,
        unit: 'MB',
        detail: { hostMb, bareMb },
      }),
    ];
  },
};

export const loadCycles: BenchRow = {
  name: 'load-cycles',
  about: `private bytes of the whole agent over ${CYCLES} load/unload cycles`,
  run: async (bench) => {
    const rig = await bench.rig();
    const { name } = await rig.install('PaddleOcrCls');
    await rig.admin.unload({ name }).catch(() => undefined);
    const unloadedMb: number[] = [];
    const begunMb = agentMb(rig);
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      await rig.admin.load({ name });
      await rig.admin.unload({ name });
      unloadedMb.push(agentMb(rig));
    }
    const settled = unloadedMb.slice(WARM_CYCLES);
    const perCycleMb = slope(settled);
    const endMb = median(unloadedMb.slice(-WARM_CYCLES));
    const startMb = median(unloadedMb.slice(0, WARM_CYCLES));
    return [
      atMost(0.05, {
        figure: `growth a load/unload cycle after the ${WARM_CYCLES}th`,
        value: perCycleMb,
        unit: 'MB',
        digits: 3,
        detail: { cycles: CYCLES, begunMb },
      }),
      atMost(1.1, {
        figure: `memory after ${CYCLES} cycles / at the start`,
        value: endMb / startMb,
        unit: 'x',
        detail: { startMb, endMb },
      }),
    ];
  },
};

/** Launcher, control process, hosts and their guard. */
function agentPids(rig: Rig): number[] {
  const [launcher] = descendants('main.js').filter(({ pid }) =>
    descendants('control.js', pid).some((child) => child.pid === rig.control()),
  );
  if (launcher === undefined) throw new Error('Cannot find the launcher');
  return [launcher.pid, ...descendants('', launcher.pid).map(({ pid }) => pid)];
}

function agentMb(rig: Rig): number {
  return agentPids(rig).reduce((sum, pid) => sum + privateMb(pid), 0);
}

/** Least squares over equal steps. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const [up, down] = values.reduce(
    ([over, under], value, index) => [
      over + (index - middle) * (value - mean),
      under + (index - middle) ** 2,
    ],
    [0, 0],
  );
  return up / down;
}

export const idle: BenchRow = {
  name: 'idle',
  about: `CPU of the whole agent with three models loaded and nothing to do, for ${IDLE_SECONDS} s`,
  run: async (bench) => {
    const rig = await bench.rig();
    for (const model of ['SileroVad', 'PaddleOcrDet', 'PaddleOcrCls'] as const) {
      const { name } = await rig.install(model);
      await rig.admin.load({ name });
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const pids = agentPids(rig);
    const usedMs = (): number => pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
    const [beforeMs, begunMs] = [usedMs(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
    const percent = (100 * (usedMs() - beforeMs)) / (performance.now() - begunMs);
    return [
      atMost(1, {
        figure: 'idle with 3 models loaded, CPU of one core',
        value: percent,
        unit: '%',
        detail: { hosts: rig.hosts().length, processes: pids.length },
      }),
    ];
  },
};
