import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { quantile } from '../../../examples/floors/mod.js';
import { alternate, atMost, joined, paired } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { speechInputs } from './inputs.js';
import type { App, Rig } from './rig.js';

const SWAPS = 20;
/** A p99 is of hundreds of requests. */
const SWAPS_OF_P99 = 5;
const PER_SECOND = 50;
const COMPONENT = 'org.edgemanager.model.SileroVad';

export const update: BenchRow = {
  name: 'update',
  about: `${SWAPS} swaps of a model under ${PER_SECOND} requests a second, in turn with the same load without`,
  run: async (bench) => {
    const rig = await bench.rig();
    await rig.install('SileroVad');
    const folders: string[] = [];
    const swaps = bench.share(SWAPS, 2);
    for (let index = 1; index <= swaps; index++) {
      const { modelFile } = await rig.stage.addModel('silero-vad-5', {
        version: `5.1.${index}`,
        skipSelfTest: true,
      });
      folders.push(dirname(modelFile));
    }
    const app = await rig.startApp();
    const seen = { failed: 0, requests: 0, versions: new Set<string>() };
    const ask = async (count: number): Promise<readonly number[]> => {
      const { samplesMs, failures, versions } = await stream(app, count);
      const failed = Object.values(failures).flat().length;
      seen.failed += failed;
      seen.requests += samplesMs.length + failed;
      for (const version of versions) seen.versions.add(version);
      return samplesMs;
    };
    await ask(bench.share(100, 10));
    const rounds = await alternate(swaps, {
      before: () => ask(bench.share(40, 10)),
      during: async () => {
        let over = false;
        const samples: number[] = [];
        const streaming = (async (): Promise<void> => {
          do samples.push(...(await ask(10)));
          while (!over);
        })();
        await register(rig, folders.shift() ?? '');
        over = true;
        await streaming;
        return samples;
      },
    });
    await app.close();
    return [
      atMost(0, {
        figure: `failed requests over ${swaps} swaps at ${PER_SECOND}/s`,
        value: seen.failed,
        unit: 'requests',
        detail: { requests: seen.requests, versions: seen.versions.size },
      }),
      paired(
        { atMost: 3 },
        {
          figure: 'p99 while a model is swapped / before',
          unit: 'x',
          rounds: joined(rounds, SWAPS_OF_P99),
          statistic: (samples) => quantile(samples, 0.99),
          floors: ['before'],
          of: (round) => round.during / round.before,
        },
      ),
    ];
  },
};

function stream(app: App, count: number): ReturnType<App['ask']> {
  return app.ask({
    kind: 'predict',
    model: 'SileroVad',
    inputs: speechInputs(),
    count,
    intervalMs: 1000 / PER_SECOND,
    concurrency: 8,
    capture: 'never',
  });
}

/** What a model component's startup step runs. */
async function register(rig: Rig, folder: string): Promise<void> {
  const { environment } = rig.stage.nucleus.registerExternal(COMPONENT, {
    accessControl: {
      'aws.greengrass.ipc.pubsub': { register: { operations: ['*'], resources: ['edgemanager/v1/*'] } },
    },
  });
  const child = spawn(join(rig.work, 'bin', 'register'), [folder], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`Cannot register ${folder}: ${output.trim()}`);
}
