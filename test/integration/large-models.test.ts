import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  compileModel,
  DEFAULT_TOLERANCE,
  inspect,
  packageModel,
  type PackageResult,
} from '../../deploy/mod.js';
import { plainInputs } from '../../deploy/compile/mod.js';
import { signPackage, verifyPackage } from '../../deploy/sign/mod.js';
import { createKeySigner } from '../../src/model/mod.js';
import { fails, runCli } from '../lib/cli.js';
import { keyPair, temporaryFolder } from '../lib/model-package.js';
import { HostBench, outputFloats, runRequest } from '../lib/model-hosts.js';
import { externalTensor, node, onnxModel, rawTensor } from '../lib/onnx-builder.js';
import { floats } from '../lib/tensors.js';

const SIDE = 64;
/** What counts as large here: the path is the same for gigabytes. */
const outsideAboveBytes = 10_000;

/** Different in each place, and small, so that sums stay exact enough. */
const matrix = (seed: number): Float32Array =>
  Float32Array.from({ length: SIDE * SIDE }, (_, at) => (((at * 7 + seed) % 13) - 6) / 16);

describe('a large model', () => {
  let root = '';
  const at = (...parts: string[]): string => join(root, ...parts);
  const first = matrix(1);
  const second = matrix(2);

  before(async () => {
    root = await temporaryFolder('large-');
    const value = (name: string) => ({ name, datatype: 'FP32', shape: [1, SIDE] }) as const;
    const bytes = first.byteLength;
    const entries = { location: 'side.data', offset: '100', length: String(bytes) };
    const model = onnxModel({
      inputs: [value('x')],
      outputs: [value('y')],
      nodes: [
        node('MatMul', ['x', 'a'], ['h']),
        node('Add', ['h', 'bias'], ['i']),
        node('MatMul', ['i', 'b'], ['y']),
      ],
      initializers: [
        externalTensor('a', 'FP32', [SIDE, SIDE], entries),
        rawTensor('b', 'FP32', [SIDE, SIDE], second),
        rawTensor('bias', 'FP32', [SIDE], new Float32Array(SIDE).fill(0.5)),
      ],
    });
    await writeFile(at('model.onnx'), model);
    await writeFile(at('side.data'), Buffer.concat([Buffer.alloc(100), Buffer.from(first.buffer)]));
    await writeFile(
      at('model.yaml'),
      'name: Large\nversion: 1.0.0\nmodel: out.onnx\nreport: report.json\nsamples: { make: { count: 2 } }\n',
    );
  });
  after(() => rm(root, { recursive: true, force: true }));

  const compile = (modelFile = at('model.onnx')) =>
    compileModel({
      modelFile,
      outFile: at('out.onnx'),
      reportFile: at('report.json'),
      target: 'any',
      dimensions: {},
      tolerance: DEFAULT_TOLERANCE,
      inputs: plainInputs,
      randomCases: 2,
      timeoutMs: 60_000,
      outsideAboveBytes,
    });
  const pack = (outFolder = at('build')): Promise<PackageResult> =>
    packageModel({
      file: at('model.yaml'),
      outFolder,
      skipSelfTest: false,
      timeoutMs: 60_000,
      outsideAboveBytes,
    });

  it('is compiled, packaged, signed, verified, inspected and served with its weights beside it', async () => {
    const report = await compile();
    assert.equal(report.compiled.weights?.length, 1);
    assert.equal(report.proof.outputs[0]?.outsideTolerance, 0);
    assert.deepEqual(
      (await readdir(root)).filter((name) => name.startsWith('.')),
      [],
      'no scratch stays',
    );

    const { manifest, folder } = await pack();
    assert.deepEqual(
      manifest.files.map(({ path, role }) => `${path} ${role}`),
      ['compile-report.json report', 'model.onnx model', 'samples.json samples', 'weights-1.bin weights'],
    );
    const graph = manifest.files.find(({ role }) => role === 'model');
    assert.ok(graph !== undefined && graph.sizeBytes < 2000, 'the graph holds small weights only');
    const weights = await readFile(join(folder, 'weights-1.bin'));
    assert.deepEqual(weights.subarray(0, first.byteLength), Buffer.from(first.buffer));
    assert.equal(weights.length, 2 * first.byteLength, 'on pages, without a gap');
    assert.match(await readFile(at('build/recipes/recipe.yaml'), 'utf8'), /weights-1\.bin/);

    const { privatePem, publicPem } = keyPair();
    await signPackage(folder, createKeySigner(privatePem));
    await writeFile(at('public.pem'), publicPem);
    await verifyPackage(folder, {
      policy: 'required',
      keyFiles: [at('public.pem')],
      nowMs: undefined,
      explain: () => undefined,
    });
    const { model } = await inspect(folder);
    assert.equal(model.sizeBytes, (graph?.sizeBytes ?? 0) + weights.length);

    const spec = { key: 'Large@1.0.0', folder, threads: 1, concurrency: 1, runSamples: true } as const;
    const trust = { policy: 'required', keys: [publicPem] } as const;
    const room = { ...spec, trust, isCopy: true };
    // Hosts would be held to the bench's own folder.
    await using bench = await HostBench.create({ confinement: 'off' });
    const hosted = await bench.hosts.load(room);
    assert.equal(hosted.report.samplesRun, 2);
    const x = Array.from({ length: SIDE }, (_, index) => index / SIDE);
    const result = await hosted.run(runRequest([{ ...floats('x', x), shape: [1, SIDE] }]), 5000);
    const inner = Array.from({ length: SIDE }, (_, column) => dot(x, first, column) + 0.5);
    const wanted = Array.from({ length: SIDE }, (_, column) => dot(inner, second, column));
    for (const [index, got] of outputFloats(result.outputs[0]).entries()) {
      assert.ok(
        Math.abs(got - (wanted[index] ?? NaN)) < 1e-3,
        `y[${index}] is ${got}: wanted ${wanted[index]}`,
      );
    }
  });

  it('gives the same bytes each time', async () => {
    await compile();
    assert.equal((await pack(at('again'))).digest, (await pack(at('once-more'))).digest);
  });

  it('is not packaged with weights that are not those of its report', async () => {
    await compile();
    const path = at('out.weights-1.bin');
    const bytes = await readFile(path);
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await assert.rejects(pack(), { message: /the compile report is about another model/ });
  });

  it('is refused where no package holds it, before anything of it is read', async () => {
    const folder = at('huge');
    await mkdir(folder);
    const weightsOf = async (name: string, gibibytes: readonly number[]): Promise<string[]> => {
      let offset = 0;
      const weights = gibibytes.map((size, index) => {
        const length = size * 1024 ** 3;
        const entries = { location: `${name}.bin`, offset: `${offset}`, length: `${length}` };
        offset += length;
        return externalTensor(`w${index}`, 'FP32', [length / 4], entries);
      });
      const y = { name: 'y', datatype: 'FP32', shape: ['n'] } as const;
      const inputs = [{ ...y, name: 'x' }];
      const nodes = [node('Sum', ['x', ...weights.map((weight) => weight.name ?? '')], ['y'])];
      await writeFile(
        join(folder, `${name}.onnx`),
        onnxModel({ inputs, outputs: [y], initializers: weights, nodes }),
      );
      // Sparse: what is refused takes no room.
      await writeFile(join(folder, `${name}.bin`), '');
      await truncate(join(folder, `${name}.bin`), offset);
      const yaml = `name: Huge\nversion: 1.0.0\nmodel: ${name}.onnx\nsamples: { make: { count: 1 } }\n`;
      await writeFile(join(folder, `${name}.yaml`), yaml);
      return [join(folder, `${name}.onnx`), join(folder, `${name}.yaml`)];
    };
    const packed = /a package holds at most 4294967296 bytes: with its weights it has 536\d+\n.*Quantise it/;
    const weight =
      /'w0' as it has 2684354560 bytes: one weight may have at most 2147483647\n.*split the weight/;
    for (const [name, sizes, sentence] of [
      ['package', [1, 1, 1, 1, 1], packed],
      ['weight', [2.5], weight],
    ] as const) {
      const [model = '', yaml = ''] = await weightsOf(name, sizes);
      await fails(sentence, 'compile', model, '-o', join(folder, 'out.onnx'));
      await fails(sentence, 'package', yaml, '-o', join(folder, 'build'));
    }
  });

  it('is said to fill more than a device keeps of packages, when it is compiled', async () => {
    const warning =
      /model has 1 MB, and a device keeps packages of 0\.01 MB in all: .* larger packageQuotaMb/;
    for (const [quota, warned] of [
      [['--package-quota-mb', '0.01'], true],
      [[], false],
    ] as const) {
      const { code, error } = await runCli([
        'compile',
        at('model.onnx'),
        '-o',
        at('small.onnx'),
        '--cases',
        '1',
        ...quota,
      ]);
      assert.equal(code, 0, error);
      assert.equal(warning.test(error), warned, error);
    }
  });

  it('is refused with a file of weights that is cut off, or a link', async () => {
    const folder = at('damaged');
    await mkdir(folder);
    await writeFile(join(folder, 'model.onnx'), await readFile(at('model.onnx')));
    await writeFile(join(folder, 'side.data'), await readFile(at('side.data')));
    await truncate(join(folder, 'side.data'), 5000);
    await assert.rejects(compile(join(folder, 'model.onnx')), { message: /ends at byte 16484 of side.data/ });
    await rm(join(folder, 'side.data'));
    await symlink(at('side.data'), join(folder, 'side.data'));
    await assert.rejects(compile(join(folder, 'model.onnx')), { code: 'INVALID_ARGUMENT' });
  });
});

function dot(vector: readonly number[], weights: Float32Array, column: number): number {
  return vector.reduce((sum, value, row) => sum + value * (weights[row * SIDE + column] ?? 0), 0);
}
