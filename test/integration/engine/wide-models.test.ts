import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { isJsonObject } from '../../../src/core/mod.js';
import { fails, runCli, succeeds } from '../../lib/cli.js';
import { temporaryFolder } from '../../lib/model-package.js';
import {
  externalTensor,
  identityModel,
  node,
  onnxModel,
  rawTensor,
  type ValueSpec,
} from '../../lib/onnx-builder.js';

const { onnx } = onnxProto;
const value = (name: string): ValueSpec => ({ name, datatype: 'FP32', shape: [1] });

/** `count` inputs, each given as an output. */
function wide(count: number): Uint8Array {
  const names = Array.from({ length: count }, (_, index) => `${index}`);
  return onnxModel({
    inputs: names.map((name) => value(`past.${name}`)),
    outputs: names.map((name) => value(`present.${name}`)),
    nodes: names.map((name) => node('Identity', [`past.${name}`], [`present.${name}`])),
  });
}

function constant(): Uint8Array {
  const weight = rawTensor('w', 'FP32', [1], Float32Array.of(4));
  return onnxModel({
    inputs: [],
    outputs: [value('y')],
    initializers: [weight],
    nodes: [node('Neg', ['w'], ['y'])],
  });
}

/** y = 2 * x, by ai.onnx.ml alone. */
function scaler(): Uint8Array {
  const floats = (name: string, data: number[]): object => ({ name, type: 7 - 1, floats: data });
  return onnxModel({
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['n', 1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['n', 1] }],
    nodes: [node('Scaler', ['x'], ['y'], [floats('offset', [0]), floats('scale', [2])], 'ai.onnx.ml')],
    opset: 0,
    domains: [{ domain: 'ai.onnx.ml', version: 1 }],
  });
}

function changed(model: Uint8Array, change: (model: onnxProto.onnx.ModelProto) => void): Uint8Array {
  const decoded = onnx.ModelProto.decode(model);
  change(decoded);
  return onnx.ModelProto.encode(decoded).finish();
}

function stamped(irVersion: number, opset: number): Uint8Array {
  return changed(identityModel('FP32', [1]), (model) => {
    model.irVersion = irVersion;
    model.opsetImport = [onnx.OperatorSetIdProto.create({ domain: '', version: opset })];
  });
}

describe('a model that plain ONNX Runtime serves', () => {
  let root = '';
  const at = (...parts: string[]): string => join(root, ...parts);
  before(async () => {
    root = await temporaryFolder();
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function packaged(name: string, model: Uint8Array): Promise<Record<string, unknown>> {
    await writeFile(at(`${name}.onnx`), model);
    await succeeds('compile', at(`${name}.onnx`), '-o', at(`${name}.compiled.onnx`));
    const yaml = `name: ${name}\nversion: 1.0.0\nmodel: ${name}.compiled.onnx\nsamples: { make: { count: 2 } }\n`;
    await writeFile(at(`${name}.yaml`), yaml);
    await succeeds('package', at(`${name}.yaml`), '-o', at(name));
    const folder = at(name, 'artifacts', `org.edgemanager.model.${name}`, '1.0.0');
    const found: unknown = JSON.parse(await succeeds('inspect', folder, '--json'));
    assert.ok(isJsonObject(found) && isJsonObject(found['package']));
    const { manifest } = found['package'];
    assert.ok(isJsonObject(manifest));
    return manifest;
  }

  for (const [what, name, model] of [
    ['with 256 inputs and outputs', 'Wide', () => wide(256)],
    ['without inputs', 'Constant', constant],
    [
      'with tensors of rank 16',
      'Deep',
      () =>
        identityModel(
          'FP32',
          Array.from({ length: 16 }, () => 1),
        ),
    ],
    ['of ai.onnx.ml alone', 'Scaler', scaler],
    [
      'with a formula as the name of a dimension',
      'Formula',
      () => identityModel('FP32', ['2*n+'.repeat(80), 2]),
    ],
    ['of the newest IR and opset', 'Newest', () => stamped(13, 26)],
  ] as const) {
    it(`is compiled and packaged: one ${what}`, async () => {
      const { selfTest } = await packaged(name, model());
      assert.deepEqual(isJsonObject(selfTest) && selfTest['outcome'], 'passed');
    });
  }

  it('has its external data in a folder below, which is no link elsewhere', async () => {
    const entries = { location: 'weights/of it/w.bin', offset: '0', length: '4' };
    const model = onnxModel({
      inputs: [value('x')],
      outputs: [value('y')],
      initializers: [externalTensor('w', 'FP32', [1], entries)],
      nodes: [node('Add', ['x', 'w'], ['y'])],
    });
    await mkdir(at('weights', 'of it'), { recursive: true });
    await writeFile(at('weights', 'of it', 'w.bin'), Buffer.from(Float32Array.of(3).buffer));
    await packaged('Beside', model);
    await mkdir(at('other'));
    await writeFile(at('other', 'model.onnx'), model);
    await fails(/its weights is missing/, 'compile', at('other', 'model.onnx'));
    await symlink(at('weights'), at('other', 'weights'));
    await fails(/leads out of the model's folder/, 'compile', at('other', 'model.onnx'));
  });

  for (const [what, irVersion, opset, sentence, nextStep] of [
    ['IR version', 14, 17, /IR version is 14, and this ONNX Runtime reads up to 13/, /ir_version = 13/],
    [
      'opset',
      10,
      28,
      /opset 28 of ai\.onnx, and this ONNX Runtime runs up to 26/,
      /convert_version\(model, 26\)/,
    ],
  ] as const) {
    it(`is not one of a newer ${what}: both versions and the way down are named`, async () => {
      await writeFile(at('new.onnx'), stamped(irVersion, opset));
      const yaml = 'name: New\nversion: 1.0.0\nmodel: new.onnx\nsamples: { make: { count: 1 } }\n';
      await writeFile(at('new.yaml'), yaml);
      for (const command of [
        ['compile', at('new.onnx')],
        ['package', at('new.yaml'), '-o', at('new')],
      ]) {
        const { code, error: said } = await runCli(command);
        assert.equal(code, 1);
        assert.match(said, sentence);
        assert.match(said, nextStep);
      }
    });
  }
});
