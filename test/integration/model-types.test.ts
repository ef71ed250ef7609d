import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import type { Datatype, Tensor, WireTensor } from '../../src/contract/mod.js';
import { createOnnxEngine } from '../../src/engine/mod.js';
import { differenceOf } from '../../src/model/mod.js';
import { decodeStrings, elementsOf } from '../../src/tensor/mod.js';
import type { PackageResult } from '../../deploy/mod.js';
import { AgentBench } from '../lib/agent-process.js';
import { fails, succeeds } from '../lib/cli.js';
import { HostBench, hostTensor, inlineOutput, runRequest, specOf } from '../lib/model-hosts.js';
import {
  identityModel,
  intAttribute,
  node,
  onnxModel,
  rawTensor,
  type ValueSpec,
} from '../lib/onnx-builder.js';
import { floats } from '../lib/tensors.js';

const { onnx } = onnxProto;
const BFLOAT16 = 16;
const INT4 = 22;

/** A weight of a type that no input can have. */
const weight = (
  name: string,
  dataType: number,
  dims: number[],
  rawData: Uint8Array,
): onnxProto.onnx.ITensorProto => ({ name, dataType, dims, rawData });

const PLAIN: readonly (readonly [
  datatype: Datatype,
  sample: string,
  sent: WireTensor['data'],
  answer: unknown[],
])[] = [
  ['FP16', '[1.5, -2]', [1.5, -2], [1.5, -2]],
  ['FP64', '[0.1, 2]', [0.1, 2], [0.1, 2]],
  ['BOOL', '[true, false]', [true, false], [1, 0]],
  ['INT64', '["9007199254740993", 7]', ['9007199254740993', 7], [9007199254740993n, 7n]],
  ['UINT8', '[255, 0]', [255, 0], [255, 0]],
  ['INT8', '[-128, 127]', [-128, 127], [-128, 127]],
  ['BYTES', '[valve, pump]', ['pump', 'é'], ['pump', 'é']],
];

/** What each type's own input gives: itself. */
const plainModel = onnxModel({
  inputs: PLAIN.map(([datatype]) => ({ name: datatype, datatype, shape: ['n'] })),
  outputs: PLAIN.map(([datatype]) => ({ name: `${datatype} out`, datatype, shape: ['n'] })),
  nodes: PLAIN.map(([datatype]) => node('Identity', [datatype], [`${datatype} out`])),
});

const row = (name: string, width: number): ValueSpec => ({ name, datatype: 'FP32', shape: [1, width] });

/** Narrow weights in the ways that exporters write them. */
const narrowModel = onnxModel({
  opset: 21,
  domains: [{ domain: 'com.microsoft', version: 1 }],
  inputs: [row('x', 32)],
  outputs: [row('int4', 2), row('nbits', 2), row('bfloat16', 32)],
  initializers: [
    weight(
      'w4',
      INT4,
      [32, 2],
      Uint8Array.from({ length: 32 }, (_, index) => (index * 29) & 0xff),
    ),
    weight(
      'w16',
      BFLOAT16,
      [32],
      Uint8Array.from({ length: 64 }, (_, index) => (index % 2 === 0 ? index : 0x3f)),
    ),
    rawTensor(
      'wn',
      'UINT8',
      [2, 1, 16],
      Uint8Array.from({ length: 32 }, (_, index) => (index * 37) & 0xff),
    ),
    rawTensor('scale', 'FP32', [], Float32Array.of(0.5)),
    rawTensor('scales', 'FP32', [2], Float32Array.of(0.5, 0.25)),
  ],
  nodes: [
    node('DequantizeLinear', ['w4', 'scale'], ['dense']),
    node('MatMul', ['x', 'dense'], ['int4']),
    node(
      'MatMulNBits',
      ['x', 'wn', 'scales'],
      ['nbits'],
      [intAttribute('K', 32), intAttribute('N', 2), intAttribute('bits', 4), intAttribute('block_size', 32)],
      'com.microsoft',
    ),
    node('Cast', ['w16'], ['plain'], [intAttribute('to', 1)]),
    node('Mul', ['x', 'plain'], ['bfloat16']),
  ],
});

describe('From compile to a device, a model', () => {
  let folder = '';
  let bench: HostBench;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-types-'));
    bench = await HostBench.create();
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Compiles, and packages with one case, which whoever loads it checks there. */
  const packaged = async (name: string, model: Uint8Array, inputs: string): Promise<string> => {
    await writeFile(join(folder, 'source.onnx'), model);
    // Where ONNX Runtime multiplies 4-bit weights itself, it rounds what they are multiplied with to 8 bits.
    const compile = ['compile', join(folder, 'source.onnx'), '-o', join(folder, 'model.onnx')];
    await succeeds(...compile, '--tolerance', '0.1');
    const yaml = `name: ${name}\nversion: 1.0.0\nmodel: model.onnx\nsamples: { cases: [{ inputs: ${inputs} }] }\n`;
    await writeFile(join(folder, 'model.yaml'), yaml);
    const pack = ['package', join(folder, 'model.yaml'), '-o', join(bench.folder, name), '--json'];
    return (JSON.parse(await succeeds(...pack)) as PackageResult).folder;
  };

  const served = async (name: string, packed: string, sent: readonly WireTensor[]): Promise<Tensor[]> => {
    const loaded = await bench.hosts.load(specOf(`${name}@1.0.0`, packed));
    assert.equal(loaded.report.samplesRun, 1);
    const { outputs } = await loaded.run(runRequest(sent.map(hostTensor)), 5000);
    await loaded.unload();
    return outputs.map(inlineOutput);
  };

  it('takes every plain type, half floats, truth values and texts among them', async () => {
    const inputs = PLAIN.map(([datatype, sample]) => `${datatype}: ${sample}`).join(', ');
    const sent = PLAIN.map(([datatype, , data = []]) => ({
      name: datatype,
      datatype,
      shape: [2],
      data: [...data],
    }));
    const answers = await served('Plain', await packaged('Plain', plainModel, `{ ${inputs} }`), sent);
    for (const [index, [datatype, , , wanted]] of PLAIN.entries()) {
      const answer = answers[index] ?? assert.fail(datatype);
      const got = datatype === 'BYTES' ? decodeStrings(answer.data, 2, 'y') : Array.from(elementsOf(answer));
      assert.deepEqual([datatype, got], [datatype, wanted]);
    }
  });

  it('has, through a whole agent, weights of 4 bits, dequantised or multiplied as they are, and of bfloat16', async () => {
    const x = floats(
      'x',
      Array.from({ length: 32 }, (_, index) => (index - 16) / 8),
      [1, 32],
    );
    const engine = await createOnnxEngine();
    const plain = await engine.load(narrowModel, { graphOptimization: 'disabled' });
    const wanted = await plain.run([x]);
    await plain.close();
    const packed = await packaged(
      'Narrow',
      narrowModel,
      `{ x: { data: [${Array.from(elementsOf(x)).join()}] } }`,
    );
    await using agent = await AgentBench.create();
    await agent.start();
    const { code, output } = await agent.register(packed, 'org.edgemanager.model.Narrow');
    assert.equal(code, 0, output + agent.log);
    const { outputs: answers } = await (await agent.app()).predict('Narrow', [x]);
    for (const [index, want] of wanted.entries()) {
      const tolerance = { absolute: want.name === 'bfloat16' ? 0 : 0.1, relative: 0 };
      assert.equal(differenceOf(want, answers[index] ?? assert.fail(), tolerance).outside, 0, want.name);
    }
  });

  it('takes no bfloat16 where the runtime has none, and is told what to do', async () => {
    const proto = onnx.ModelProto.decode(identityModel('FP32', [2]));
    for (const { type } of [...(proto.graph?.input ?? []), ...(proto.graph?.output ?? [])]) {
      if (type?.tensorType) type.tensorType.elemType = BFLOAT16;
    }
    await writeFile(join(folder, 'bf16.onnx'), onnx.ModelProto.encode(proto).finish());
    await fails(
      /input 'x' has element type 16, which the runtime does not take\n.*Cast it within the graph \(from and to bfloat16\)/,
      'compile',
      join(folder, 'bf16.onnx'),
    );
  });
});
