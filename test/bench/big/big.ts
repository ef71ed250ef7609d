import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalCloud } from '../../../src/local/cloud/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { cli } from '../../lib/cli.js';
import { keyPair } from '../../lib/model-package.js';
import { atMost, type Figure } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { writeBeside, writeInside } from './model.js';
import { peakOf, type Peak } from './peaks.js';

const COMPONENT = 'org.edgemanager.model.Big';
const BUCKET = 'artifacts';
const SIDE = 4096;
const RUNS = 20;

/** One step with what its largest process held. */
interface Step {
  readonly name: string;
  readonly seconds: number;
  readonly peak: Peak;
}

/** From a model file to answers of a device, each step watched. */
async function wayOf(folder: string): Promise<Step[]> {
  const steps: Step[] = [];
  const step = async <T>(name: string, root: () => number, act: () => Promise<T>): Promise<T> => {
    const begunMs = performance.now();
    const { peak, result } = await peakOf(root, act);
    steps.push({ name, seconds: (performance.now() - begunMs) / 1000, peak });
    process.stderr.write(`  ${name}: ${JSON.stringify(steps.at(-1))}\n`);
    return result;
  };
  const command = async (name: string, args: string[], env: Record<string, string> = {}): Promise<void> => {
    const child = spawn(process.execPath, [cli, ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, NODE_NO_WARNINGS: '1', ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [code] = await step(
      name,
      () => child.pid ?? 0,
      () => exited,
    );
    assert.equal(code, 0, `${name} failed`);
  };

  const { privatePem, publicPem } = keyPair();
  await writeFile(join(folder, 'key.pem'), privatePem);
  await writeFile(
    join(folder, 'model.yaml'),
    'name: Big\nversion: 1.0.0\nmodel: compiled.onnx\nreport: compiled.report.json\nsamples: { make: { count: 1 } }\n',
  );
  const build = join(folder, 'greengrass-build');
  const artifacts = join(build, 'artifacts', COMPONENT, '1.0.0');
  await command('compile', ['compile', 'model.onnx', '-o', 'compiled.onnx', '--cases', '1']);
  await rm(join(folder, 'model.data'), { force: true });
  await rm(join(folder, 'model.onnx'));
  await command('package', ['package', 'model.yaml']);
  for (const number of [1, 2, 3]) await rm(join(folder, `compiled.weights-${number}.bin`), { force: true });
  await command('sign', ['sign', artifacts, '--key', 'key.pem']);
  const cloud = await startLocalCloud({
    folder: join(folder, 'cloud'),
    componentDelayMs: 5,
    buckets: [BUCKET],
  });
  await command('publish', ['publish', '-b', BUCKET, build], {
    AWS_REGION: cloud.region,
    AWS_ACCESS_KEY_ID: cloud.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: cloud.credentials.secretAccessKey,
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_ENDPOINT_URL_S3: cloud.s3.endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  await cloud.close();
  await rm(join(folder, 'cloud'), { recursive: true });

  await using device = await AgentBench.create({
    configuration: {
      packageQuotaMb: 8000,
      loadTimeoutMs: 300_000,
      signature: { policy: 'required', trustedKeys: [publicPem] },
    },
  });
  await device.start();
  const root = (): number => device.agent?.pid ?? 0;
  const { code, output } = await step('admission', root, () => device.register(artifacts, COMPONENT));
  assert.equal(code, 0, output);
  const app = await device.app();
  const data = new Uint8Array(new Float32Array(SIDE).fill(0.5).buffer);
  await step(`${RUNS} predictions`, root, async () => {
    for (let run = 0; run < RUNS; run++) {
      const inputs = [{ name: 'x', datatype: 'FP32' as const, shape: [1, SIDE], data }];
      await app.predict('Big', inputs, { timeoutMs: 60_000 });
    }
  });
  return steps;
}

async function measured(
  name: string,
  write: (folder: string) => Promise<number>,
  figure: (sizeMb: number, step: Step) => Figure,
): Promise<readonly Figure[]> {
  const parent = process.env['BENCH_FOLDER'] ?? tmpdir();
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'edge-manager-big-'));
  try {
    process.stderr.write(`  writing ${name}\n`);
    const sizeBytes = await write(folder);
    return (await wayOf(folder)).map((step) => figure(sizeBytes / 1e6, step));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const detailOf = ({ seconds, peak }: Step, sizeMb: number): Record<string, number> => ({
  'model MB': sizeMb,
  'own MB': peak.ownMb,
  'resident MB': peak.residentMb,
  seconds,
});

/** Large models from file to answer. BENCH_FOLDER: where 12 GB of room are; default the temporary folder. */
export const big: BenchRow = {
  name: 'big',
  slow: true,
  about:
    'the memory of each process, from a large model file to the answers of a device; the model is the floor',
  limitMs: 1_800_000,
  run: async () => [
    ...(await measured(
      '1.07 GB in one file',
      (folder) => writeInside(folder, 16),
      (sizeMb, step) =>
        atMost(1.3, {
          figure: `1.07 GB in one file, ${step.name}: resident, of the model`,
          value: step.peak.residentMb / sizeMb,
          unit: 'x',
          detail: detailOf(step, sizeMb),
        }),
    )),
    ...(await measured(
      '2.68 GB with its weights beside it',
      (folder) => writeBeside(folder, 40),
      (sizeMb, step) =>
        atMost(500, {
          figure: `2.68 GB beside, ${step.name}: a process's own memory`,
          value: step.peak.ownMb,
          unit: 'MB',
          detail: detailOf(step, sizeMb),
        }),
    )),
  ],
};
