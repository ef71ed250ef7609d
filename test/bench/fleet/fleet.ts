import { FloorProcess } from '../../../examples/floors/mod.js';
import { atMost } from '../judge/mod.js';
import type { Bench, BenchRow } from '../row.js';
import type {
  CloudAddress,
  CloudAnswer,
  CloudQuestion,
  PlannerAnswer,
  PlannerQuestion,
} from './simulated.js';

const FEW = 1_000;
const MANY = 100_000;
const PLANNER = new URL('./planner.js', import.meta.url).href;
const CLOUD = new URL('./cloud.js', import.meta.url).href;

type Step = PlannerQuestion['kind'];
interface Measured extends PlannerAnswer {
  readonly calls: ReadonlyMap<string, number>;
}

/** The same three steps on a fleet of so many simulated devices, at rates 1,200 times AWS's. */
async function measure(bench: Bench, devices: number): Promise<Record<Step, Measured>> {
  const folder = await bench.folder('fleet');
  const cloud = await FloorProcess.start<CloudQuestion, CloudAnswer>(CLOUD, [String(devices), folder]);
  bench.onEnd(() => cloud.close());
  const { environment } = (await cloud.ask({ kind: 'address' })) as CloudAddress;
  const planner = await FloorProcess.start<PlannerQuestion, PlannerAnswer>(PLANNER, [], environment);
  bench.onEnd(() => planner.close());
  await cloud.ask({ kind: 'calls' });
  const step = async (kind: Step): Promise<Measured> => {
    const answer = await planner.ask({ kind });
    const calls = (await cloud.ask({ kind: 'calls' })) as ReadonlyMap<string, number>;
    if (answer.devices !== devices) throw new Error(`${kind} saw ${answer.devices} of ${devices} devices`);
    return { ...answer, calls };
  };
  const steps = { plan: await step('plan'), apply: await step('apply'), report: await step('report') };
  await planner.close();
  await cloud.close();
  return steps;
}

const total = (calls: ReadonlyMap<string, number>): number => [...calls.values()].reduce((a, b) => a + b, 0);

export const fleet: BenchRow = {
  name: 'fleet',
  slow: true,
  about: `a rollout planned, followed and reported over ${MANY} simulated devices, beside ${FEW}`,
  async run(bench) {
    const fewDevices = bench.share(FEW, 50);
    const devices = bench.share(MANY, 100);
    const few = await measure(bench, fewDevices);
    const many = await measure(bench, devices);
    const seconds = {
      planSeconds: many.plan.seconds,
      applySeconds: many.apply.seconds,
      reportSeconds: many.report.seconds,
    };
    return [
      atMost(1, {
        figure: `planning over ${devices} devices, calls / (calls over ${fewDevices} × devices)`,
        value: total(many.plan.calls) / total(few.plan.calls) / (devices / fewDevices),
        unit: 'x',
        detail: { ...Object.fromEntries(many.plan.calls), callsOverFew: total(few.plan.calls) },
      }),
      atMost(200, {
        figure: `a rollout over ${devices} devices, RSS`,
        value: many.report.maxRssBytes / 1e6,
        unit: 'MB',
        detail: { planMB: many.plan.maxRssBytes / 1e6, fewMB: few.report.maxRssBytes / 1e6, ...seconds },
        digits: 0,
      }),
      atMost(1, {
        figure: `following and staging over ${devices} devices, calls / device`,
        value: total(many.apply.calls) / devices,
        unit: '',
        detail: { ...Object.fromEntries(many.apply.calls), looks: many.apply.looks },
        digits: 3,
      }),
      atMost(1, {
        figure: `a report on ${devices} devices, calls / calls over ${fewDevices}`,
        value: total(many.report.calls) / total(few.report.calls),
        unit: 'x',
        detail: Object.fromEntries(many.report.calls),
      }),
    ];
  },
};
