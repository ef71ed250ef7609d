import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SeededRandom } from '../../src/core/mod.js';
import { encodeSamples } from '../../src/model/mod.js';
import { HostBench } from '../lib/model-hosts.js';
import { temporaryFolder } from '../lib/model-package.js';
import { node, onnxModel, rawTensor } from '../lib/onnx-builder.js';
import { floats } from '../lib/tensors.js';
import { runCli } from '../lib/cli.js';

const FEATURES = 64;
const CLASSES = 10;

/** Why this machine can't quantise; undefined: it can. */
function quantiserAbsence(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import onnxruntime.quantization, onnx'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'python3 has no onnxruntime and onnx';
  }
}

describe('compile --quantise', () => {
  let root = '';
  const at = (...parts: string[]): string => join(root, ...parts);
  const inputs = new SeededRandom(4);
  const input = (): number[] => Array.from({ length: FEATURES }, () => 2 * inputs.fraction() - 1);

  before(async () => {
    root = await temporaryFolder('quantise-');
    const random = new SeededRandom(3);
    const weights = (rows: number, columns: number) =>
      Float32Array.from({ length: rows * columns }, () => (random.fraction() - 0.5) / 4);
    await writeFile(
      at('model.onnx'),
      onnxModel({
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, FEATURES] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [1, CLASSES] }],
        nodes: [
          node('MatMul', ['x', 'a'], ['h']),
          node('Relu', ['h'], ['r']),
          node('MatMul', ['r', 'b'], ['y']),
        ],
        initializers: [
          rawTensor('a', 'FP32', [FEATURES, FEATURES], weights(FEATURES, FEATURES)),
          rawTensor('b', 'FP32', [FEATURES, CLASSES], weights(FEATURES, CLASSES)),
        ],
      }),
    );
    const cases = Array.from({ length: 20 }, (_, seed) => ({
      name: `case ${seed}`,
      inputs: [{ ...floats('x', input()), shape: [1, FEATURES] }],
      outputs: [],
    }));
    await writeFile(at('samples.json'), encodeSamples(cases));
    await writeFile(
      at('model.yaml'),
      'name: Quantised\nversion: 1.0.0\nmodel: out.onnx\nreport: out.report.json\nsamples: { make: { count: 3 } }\n',
    );
  });
  before(async () => {
    const rows = Array.from({ length: 20 }, () => input().join());
    await writeFile(at('rows.csv'), `${rows.join('\n')}\n`);
    const cases = rows.map((_row, index) => ({
      inputs: { x: { csv: 'rows.csv', header: false, rows: index + 1 } },
    }));
    const yaml = { name: 'Quantised', version: '1.0.0', model: 'out.onnx', samples: { cases } };
    await writeFile(at('calibration.yaml'), JSON.stringify(yaml));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const compile = (...args: string[]) =>
    runCli(['compile', 'model.onnx', '-o', 'out.onnx', ...args], { folder: root });

  for (const python of ['no-such-python', 'true']) {
    it(`names what to install where ${python} is no Python with the quantiser`, async () => {
      const { code, error } = await compile('--quantise', 'dynamic-int8', '--python', python);
      assert.equal(code, 1);
      assert.match(error, /Cannot quantise the model/);
      if (python === 'no-such-python') assert.match(error, /pip install onnxruntime==1\.\d+\.\d+ onnx==/);
    });
  }

  it('names what to install where Python has no packages', async function () {
    if (quantiserAbsence() !== undefined) this.skip();
    await writeFile(at('bare-python'), '#!/bin/sh\nexec python3 -I -S "$@"\n', { mode: 0o755 });
    const { error } = await compile('--quantise', 'dynamic-int8', '--python', at('bare-python'));
    assert.match(error, /has no quantiser: No module named[^]*pip install onnxruntime==/);
  });

  it('pins the quantiser of the runtime that serves', async () => {
    const { version } = JSON.parse(await readFile('node_modules/onnxruntime-node/package.json', 'utf8')) as {
      version: string;
    };
    const { error } = await compile('--quantise', 'dynamic-int8', '--python', 'no-such-python');
    assert.ok(error.includes(`onnxruntime==${version} `), error);
  });

  it('wants samples to calibrate by', async () => {
    const { code, error } = await compile('--quantise', 'static-int8');
    assert.equal(code, 1);
    assert.match(error, /static-int8 is calibrated by samples[^]*--samples/);
  });

  for (const [mode, samples] of [
    ['dynamic-int8', 'samples.json'],
    ['static-int8', 'calibration.yaml'],
  ] as const) {
    it(`${mode}: makes a smaller model that is proved, packaged with its tolerance and admitted by it`, async function () {
      const absence = quantiserAbsence();
      if (absence !== undefined) {
        console.log(`      skipped: ${absence}`);
        this.skip();
      }
      const { code, out, error } = await compile('--quantise', mode, '--samples', at(samples), '--json');
      assert.equal(code, 0, error);
      const report = JSON.parse(out) as {
        lossy: boolean;
        passes: string[];
        source: { sizeBytes: number };
        compiled: { sizeBytes: number };
        proof: {
          tolerance: { absolute: number; relative: number };
          outputs: { largestDifference: number; outsideTolerance: number; top1Agreement: number }[];
        };
      };
      const [output] = report.proof.outputs;
      assert.equal(report.lossy, true);
      assert.match(report.passes.at(-1) ?? '', new RegExp(`^quantise ${mode} \\(onnxruntime \\d`));
      assert.ok(report.compiled.sizeBytes < 0.5 * report.source.sizeBytes);
      assert.ok(output !== undefined && output.largestDifference > 0 && output.outsideTolerance === 0);
      assert.ok(output.top1Agreement > 0.7, String(output.top1Agreement));

      const packed = await runCli(['package', 'model.yaml', '-o', 'build'], { folder: root });
      assert.equal(packed.code, 0, packed.error);
      const folder = at('build/artifacts/org.edgemanager.model.Quantised/1.0.0');
      const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
        samples: { tolerance: unknown };
      };
      assert.deepEqual(manifest.samples.tolerance, report.proof.tolerance);

      await using bench = await HostBench.create({ confinement: 'off' });
      const trust = { policy: 'off', keys: [] } as const;
      const spec = { key: 'Quantised@1.0.0', folder, trust, threads: 1, concurrency: 1, runSamples: true };
      assert.equal((await bench.hosts.load(spec)).report.samplesRun, 3);
    });
  }
});
