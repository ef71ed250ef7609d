import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { quantile } from '../../../examples/floors/mod.js';
import { atMost, type BenchRow } from '../figure.js';
import { speechInputs } from './inputs.js';
import type { App, Rig } from './rig.js';

const SWAPS = 20;
const PER_SECOND = 50;
const COMPONENT = 'org.edgemanager.model.SileroVad';

export const update: BenchRow = {
  name: 'update',
  about: `${SWAPS} swaps of a model under ${PER_SECOND} requests a second, beside the same load before`,
  run: async (bench) => {
    const rig = await bench.rig();
    await rig.install('SileroVad');
    const folders: string[] = [];
    for (let index = 1; index <= SWAPS; index++) {
      const { modelFile } = await rig.stage.addModel('silero-vad-5', {
        version: `5.1.${index}`,
        skipSelfTest: true,
      });
      folders.push(dirname(modelFile));
    }
    const app = await rig.startApp();
    await stream(app, 100);
    const before = await stream(app, 300);
    let over = false;
    const streams = (async () => {
      const parts = [];
      while (!over) parts.push(await stream(app, 100));
      return parts;
    })();
    const begunMs = performance.now();
    for (const folder of folders) await register(rig, folder);
    const swapMs = (performance.now() - begunMs) / SWAPS;
    over = true;
    const parts = await streams;
    await app.close();
    const samples = parts.flatMap(({ samplesMs }) => samplesMs);
    const failed = parts.flatMap(({ failures }) => Object.values(failures).flat()).length;
    const versions = new Set(parts.flatMap((part) => part.versions)).size;
    const [p99Ms, beforeP99Ms] = [quantile(samples, 0.99), quantile(before.samplesMs, 0.99)];
    return [
      atMost(0, {
        figure: `failed requests during ${SWAPS} swaps at ${PER_SECOND}/s`,
        value: failed,
        unit: 'requests',
        detail: { requests: samples.length + failed, versions, swapMs },
      }),
      atMost(3, {
        figure: `p99 during ${SWAPS} swaps / before`,
        value: p99Ms / beforeP99Ms,
        unit: 'x',
        detail: {
          p99Ms,
          beforeP99Ms,
          p50Ms: quantile(samples, 0.5),
          beforeP50Ms: quantile(before.samplesMs, 0.5),
        },
      }),
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
