import { median } from '../../../examples/floors/mod.js';
import { atMost } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { speechInputs } from './inputs.js';
import { descendants, privateMb } from './processes.js';
import type { Rig } from './rig.js';

const CYCLES = 100;
const WARM_CYCLES = 10;

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
    await app.ask({ kind: 'predict', model: 'SileroVad', inputs, count: bench.share(500), capture: 'never' });
    await bare.ask({ inputs, count: bench.share(500) });
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
    const cycles = bench.share(CYCLES, 4);
    const warm = bench.share(WARM_CYCLES, 2);
    for (let cycle = 0; cycle < cycles; cycle++) {
      await rig.admin.load({ name });
      await rig.admin.unload({ name });
      unloadedMb.push(agentMb(rig));
    }
    const settled = unloadedMb.slice(warm);
    const perCycleMb = slope(settled);
    const endMb = median(unloadedMb.slice(-warm));
    const startMb = median(unloadedMb.slice(0, warm));
    return [
      atMost(0.05, {
        figure: `growth a load/unload cycle after the ${warm}th`,
        value: perCycleMb,
        unit: 'MB',
        digits: 3,
        detail: { cycles, begunMb },
      }),
      atMost(1.1, {
        figure: `memory after ${cycles} cycles / at the start`,
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
