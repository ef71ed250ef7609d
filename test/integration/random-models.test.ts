import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  completeManifest,
  DISTRIBUTIONS_FILE,
  encodeDistributions,
  openPackage,
  parseDistributions,
  parseSamples,
  writePackage,
} from '../../src/model/mod.js';
import { systemRandom } from '../../src/system/mod.js';
import type { PackageResult } from '../../deploy/mod.js';
import { fails, succeeds } from '../lib/cli.js';
import { HostBench, specOf } from '../lib/model-hosts.js';
import { floatAttribute, node, onnxModel } from '../lib/onnx-builder.js';

/** y = x + noise; the noise of a fixed seed differs between two runs of a process, but not between two processes. */
const noisyModel = ({ mean = 0, seed }: { mean?: number; seed?: number } = {}): Uint8Array => {
  const value = (name: string) => ({ name, datatype: 'FP32' as const, shape: [1, 8] });
  const attributes = [
    floatAttribute('mean', mean),
    floatAttribute('scale', 0.5),
    ...(seed === undefined ? [] : [floatAttribute('seed', seed)]),
  ];
  return onnxModel({
    inputs: [value('x')],
    outputs: [value('y')],
    nodes: [
      { ...node('RandomNormalLike', ['x'], ['drawn'], attributes), name: 'noise' },
      node('Add', ['x', 'drawn'], ['y']),
    ],
  });
};

describe('A model that draws random numbers', () => {
  let folder = '';
  let bench: HostBench;
  const model = (): string => join(folder, 'noisy.onnx');
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-random-'));
    bench = await HostBench.create();
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const describeModel = async (file: string, version: string, more = ''): Promise<string> => {
    const yaml = join(folder, 'model.yaml');
    await writeFile(
      yaml,
      `name: Noisy\nversion: ${version}\nmodel: ${file}\nsamples: { make: { count: 2 } }\n${more}\n`,
    );
    return yaml;
  };
  const pack = async (version: string): Promise<string> => {
    const yaml = await describeModel('noisy.onnx', version, 'deterministic: false');
    const out = await succeeds('package', yaml, '-o', join(bench.folder, version), '--json');
    return (JSON.parse(out) as PackageResult).folder;
  };
  const load = (packed: string, version: string) => bench.hosts.load(specOf(`Noisy@${version}`, packed));

  const FOUND =
    /output 'y' differs between two runs with the same inputs: RandomNormalLike 'noise' draws random numbers\n.*--no-deterministic for compile, deterministic: false in model\.yaml/;

  it('is found when it is compiled, by the node that draws', async () => {
    await writeFile(model(), noisyModel());
    await fails(FOUND, 'compile', model());
  });

  it('is found when it is packaged without, although its seed is fixed: each process draws the same', async () => {
    await writeFile(model(), noisyModel({ seed: 7 }));
    await fails(FOUND, 'package', await describeModel('noisy.onnx', '1.0.0'), '-o', join(folder, 'out'));
  });

  it('is compiled, packaged and admitted by what its outputs are over many runs', async () => {
    await writeFile(join(folder, 'source.onnx'), noisyModel({ mean: 3 }));
    const report = await succeeds(
      'compile',
      join(folder, 'source.onnx'),
      '-o',
      model(),
      '--no-deterministic',
      '--json',
    );
    assert.equal((JSON.parse(report) as { proof: { deterministic?: boolean } }).proof.deterministic, false);
    const packed = await pack('1.0.0');
    // What an agent that knows no distributions reads: samples that expect nothing.
    const samples = parseSamples(await readFile(join(packed, 'samples.json')));
    assert.deepEqual(
      samples.map(({ outputs }) => outputs),
      [[], []],
    );
    const loaded = await load(packed, '1.0.0');
    assert.equal(loaded.report.samplesRun, 2);
    await loaded.unload();
  });

  it('is refused by a device whose runs keep to other bounds', async () => {
    await writeFile(model(), noisyModel({ mean: 3 }));
    const packed = await pack('2.0.0');
    const stated = parseDistributions(await readFile(join(packed, DISTRIBUTIONS_FILE)));
    // As if this device computed otherwise.
    const shifted = stated.cases.map(({ name, outputs }) => ({
      name,
      outputs: outputs.map((output) => ({ ...output, mean: [5, 6] as [number, number] })),
    }));
    await replace(packed, DISTRIBUTIONS_FILE, encodeDistributions({ ...stated, cases: shifted }));
    await assert.rejects(
      load(packed, '2.0.0'),
      /golden sample 'made 1 \(seed 1\)' differs: the mean of output 'y' must be from 5\.000 to 6\.000 over 32 runs/,
    );
  });

  it('may not say outputs, which vary', async () => {
    await writeFile(model(), noisyModel());
    const cases =
      'samples: { cases: [{ inputs: { x: [1,1,1,1,1,1,1,1] }, outputs: { y: [1,1,1,1,1,1,1,1] } }] }';
    const yaml = join(folder, 'model.yaml');
    await writeFile(yaml, `name: Noisy\nversion: 3.0.0\nmodel: noisy.onnx\ndeterministic: false\n${cases}\n`);
    await fails(
      /sample 'case 1' says its outputs, and 'deterministic: false' says that they vary: leave them out/,
      'package',
      yaml,
    );
  });
});

/** Another content of a file, with a manifest that lists it. */
async function replace(packed: string, path: string, bytes: Uint8Array): Promise<void> {
  const { manifest } = await openPackage(packed, { trust: { policy: 'off', keys: [] }, nowMs: undefined });
  const files = await Promise.all(
    manifest.files.map(async (file) => ({
      ...file,
      bytes: file.path === path ? bytes : await readFile(join(packed, file.path)),
    })),
  );
  await writePackage(packed, completeManifest(manifest, files), files, systemRandom);
}
