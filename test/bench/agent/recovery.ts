import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { quantile } from '../../../examples/floors/mod.js';
import { makeSigningKey, packageExample } from '../../../examples/stage/models.js';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { atMost, type Figure } from '../judge/mod.js';
import type { Bench, BenchRow } from '../row.js';
import { speechInputs } from './inputs.js';

const KILLS = 20;
/** As a microphone gives them. */
const WINDOW_MS = 32;
/** Before each kill. */
const STEADY_WINDOWS = 15;
const CALL_MS = 30_000;
const MODEL = 'SileroVad';
/** Lines of the agent's log, with what they end. */
const STEPS: readonly (readonly [name: string, line: string])[] = [
  ['startedMs', '"Agent started"'],
  ['loadedMs', '"Model loaded"'],
  ['connectedMs', '"Agent connected"'],
];

/**
 * The launcher is started again at once: what a nucleus waits before it does so comes on top. To be run on one core for
 * a slow device: `taskset -c 1 npm run bench -- recovery`.
 */
export const recovery: BenchRow = {
  name: 'recovery',
  slow: true,
  about: `SIGKILL to the agent's launcher and to its control process, ${KILLS} times each, under a stream`,
  run: async (bench) => {
    const agent = await device(bench);
    const client = await agent.app();
    const kinds = {
      'control process': async () => void process.kill(await agent.controlPid(), 'SIGKILL'),
      launcher: async () => {
        const exited = once(agent.agent ?? process, 'exit');
        agent.agent?.kill('SIGKILL');
        await exited;
        agent.spawn('main');
      },
    };
    const outages: Record<string, Outage[]> = {};
    // In turn: a launcher that has just started takes the end of its worker for a first one.
    for (let index = 0; index < KILLS; index++) {
      for (const [kind, kill] of Object.entries(kinds)) {
        (outages[kind] ??= []).push(await outage(agent, client, kill));
      }
    }
    return Object.entries(outages).map(([kind, all]) => figureOf(kind, all));
  },
};

function figureOf(kind: string, outages: readonly Outage[]): Figure {
  const silentMs = outages.map((one) => one.silentMs);
  const step = (name: string): number =>
    quantile(
      outages.flatMap(({ steps }) => steps[name] ?? []),
      0.5,
    );
  return atMost(3000, {
    figure: `next answer after SIGKILL to the ${kind}, worst of ${outages.length}`,
    value: Math.max(...silentMs),
    unit: 'ms',
    detail: {
      p50Ms: quantile(silentMs, 0.5),
      failed: outages.reduce((sum, { failed }) => sum + failed, 0),
      ...Object.fromEntries(STEPS.map(([name]) => [name, step(name)])),
    },
  });
}

/** The shipped agent with one signed model that serves. */
async function device(bench: Bench): Promise<AgentBench> {
  const key = makeSigningKey();
  const agent = await AgentBench.create({
    configuration: { signature: { policy: 'required', trustedKeys: [key.publicPem] } },
  });
  bench.onEnd(() => agent[Symbol.asyncDispose]());
  const { modelFile, componentName } = await packageExample('silero-vad-5', join(agent.root, 'models'), key);
  await agent.start();
  const { code, output } = await agent.register(dirname(modelFile), componentName);
  if (code !== 0) throw new Error(`Cannot install the model: ${output}`);
  return agent;
}

interface Outage {
  /** From the kill to the next answer. */
  readonly silentMs: number;
  readonly failed: number;
  /** From the kill to lines of the log. */
  readonly steps: Readonly<Record<string, number>>;
}

async function outage(
  agent: AgentBench,
  client: EdgeManagerClient,
  kill: () => Promise<void>,
): Promise<Outage> {
  const inputs = speechInputs();
  const answersMs: number[] = [];
  let failed = 0;
  const play = async (windows: number): Promise<void> => {
    const begunMs = performance.now();
    for (let window = 0; window < windows; window++) {
      const waitMs = begunMs + window * WINDOW_MS - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      await client.predict(MODEL, inputs, { timeoutMs: CALL_MS }).then(
        () => answersMs.push(performance.now()),
        () => failed++,
      );
    }
  };
  await play(STEADY_WINDOWS);
  const logged = agent.log.length;
  const playing = play(STEADY_WINDOWS);
  const killedMs = performance.now();
  await kill();
  await playing;
  const times = answersMs.filter((ms) => ms > killedMs);
  // Answers that were under way may still come.
  const gaps = times.map((ms, index) => ({ ms, gap: ms - (times[index - 1] ?? killedMs) }));
  const longest = gaps.reduce((most, one) => (one.gap > most.gap ? one : most));
  const steps = STEPS.flatMap(([name, line]) => {
    const at = timeOf(agent.log.slice(logged), line);
    return at === undefined ? [] : [[name, at - performance.timeOrigin - killedMs] as const];
  });
  return { silentMs: longest.ms - killedMs, failed, steps: Object.fromEntries(steps) };
}

function timeOf(log: string, part: string): number | undefined {
  const line = log.split('\n').find((one) => one.includes(part));
  const time = /"time":"([^"]+)"/.exec(line ?? '')?.[1];
  return time === undefined ? undefined : Date.parse(time);
}
