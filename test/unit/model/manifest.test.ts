import assert from 'node:assert/strict';
import { EdgeError } from '../../../src/core/mod.js';
import { encodeManifest, parseManifest, type Manifest } from '../../../src/model/mod.js';

const digest = 'a'.repeat(64);

function manifest(change: Partial<Manifest> = {}): Manifest {
  return {
    formatVersion: 1,
    name: 'SileroVad',
    version: '5.0.0',
    componentName: 'org.edgemanager.model.SileroVad',
    target: 'any',
    minimumRuntimeVersion: '0.1.0',
    files: [
      { path: 'model.onnx', role: 'model', sizeBytes: 10, sha256: digest },
      { path: 'samples.json', role: 'samples', sizeBytes: 10, sha256: digest },
    ],
    model: { file: 'model.onnx', irVersion: 8, opset: 16, domains: [{ domain: 'ai.onnx', version: 16 }] },
    inputs: [{ name: 'input', datatype: 'FP32', shape: ['n', 576] }],
    outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, 1] }],
    samples: { file: 'samples.json', count: 3, tolerance: { absolute: 1e-4, relative: 1e-3 } },
    selfTest: { outcome: 'passed', cases: 3, engine: 'onnxruntime-node 1.30.0' },
    ...change,
  };
}

function refused(value: unknown, pattern: RegExp): void {
  assert.throws(
    () => parseManifest(encodeManifest(value as Manifest)),
    (error: unknown) => {
      assert.ok(error instanceof EdgeError);
      assert.equal(error.code, 'INVALID_ARGUMENT');
      assert.match(error.message, pattern);
      return true;
    },
  );
}

describe('parseManifest', () => {
  it('reads back what encodeManifest wrote, byte for byte', () => {
    const bytes = encodeManifest(manifest());
    assert.deepEqual(parseManifest(bytes), manifest());
    assert.deepEqual(encodeManifest(parseManifest(bytes)), bytes);
  });

  it('refuses an unknown key and names it', () => {
    refused({ ...manifest(), colour: 'red' }, /'colour' is not a known key/);
  });

  it('refuses names that break the rule of Edge Manager', () => {
    for (const name of ['a_b', '-a', 'a-', 'a.b', '', 'x'.repeat(64)]) refused(manifest({ name }), /'name'/);
  });

  it('refuses versions that are not semantic versions', () => {
    for (const version of ['1.0.x', 'v1.0.0', '1.0.0.0', '01.0.0'])
      refused(manifest({ version }), /'version' must be a semantic/);
  });

  it('refuses file names that leave the folder or that a file system may confuse', () => {
    for (const path of ['../x', '/x', 'a/b', 'a\\b', 'a\0', '.hidden', 'a..b', 'a.', 'ä', 'a b']) {
      refused(
        manifest({ files: [{ path, role: 'model', sizeBytes: 1, sha256: digest }] }),
        /'files\[0\]\.path'/,
      );
    }
  });

  it('refuses names that differ by case only, reserved names and wrong order', () => {
    const model = { path: 'model.onnx', role: 'model', sizeBytes: 1, sha256: digest } as const;
    const other = (path: string) => ({ path, role: 'other', sizeBytes: 1, sha256: digest }) as const;
    const plain = { samples: undefined };
    refused(manifest({ ...plain, files: [other('Model.onnx'), model] } as never), /whatever its case/);
    refused(manifest({ ...plain, files: [other('Manifest.json'), model] } as never), /reserved/);
    refused(manifest({ ...plain, files: [model, other('a')] } as never), /sorted/);
  });

  it('refuses version labels that the agent gives itself, doubled ones and odd ones', () => {
    for (const label of ['stable', 'previous']) {
      refused(
        manifest({ versionLabels: ['canary', label] }),
        /'versionLabels\[1\]' must not be stable or previous/,
      );
    }
    for (const versionLabels of [
      ['a', 'a'],
      ['__proto__'],
      [''],
      ['a b'],
      [],
      Array(9).fill(0).map(String),
    ]) {
      refused(manifest({ versionLabels }), /'versionLabels/);
    }
  });

  it('refuses references to files that the package does not hold', () => {
    refused(
      manifest({
        samples: { file: 'other.json', count: 1, tolerance: { absolute: 0, relative: 0 } },
      }),
      /'samples\.file' must name a file of role samples/,
    );
  });

  it('refuses another byte form of the same manifest', () => {
    const text = new TextDecoder().decode(encodeManifest(manifest()));
    for (const form of [` ${text}`, text.trim(), text.replace('{', '{ "name": "Other",')]) {
      assert.throws(() => parseManifest(new TextEncoder().encode(form)), /canonical form/);
    }
  });
});
