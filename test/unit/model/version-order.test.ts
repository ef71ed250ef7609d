import { strict as assert } from 'node:assert';
import {
  checkAdmission,
  completeManifest,
  encodeManifest,
  parseManifest,
  type Manifest,
} from '../../../src/model/mod.js';

const admit = (version: string, newestVersion: string): void =>
  checkAdmission(
    { manifest: manifestOf(version), digest: 'd', signature: { state: 'unsigned' } },
    { runtimeVersion: '1.0.0', platform: 'linux-x64', newestVersion, servedDigests: new Set() },
  );

describe('the order of versions', () => {
  it('does not count build metadata: of two that differ in it alone, none is newer', () => {
    for (const [version, newest] of [
      ['1.0.0+old', '1.0.0+new'],
      ['1.0.0+new', '1.0.0+old'],
      ['1.0.0', '1.0.0+new'],
      ['1.0.0+2', '1.0.0+1'],
    ] as const) {
      assert.throws(() => admit(version, newest), { reason: 'PACKAGE_REFUSED_DOWNGRADE' }, version);
    }
    admit('1.0.0+same', '1.0.0+same');
    admit('1.0.1', '1.0.0+new');
  });

  it('puts a pre-release before its release, and its numbers by value', () => {
    assert.throws(() => admit('1.0.0-rc.9', '1.0.0'), { reason: 'PACKAGE_REFUSED_DOWNGRADE' });
    assert.throws(() => admit('1.0.0-rc.9', '1.0.0-rc.10'), { reason: 'PACKAGE_REFUSED_DOWNGRADE' });
    admit('1.0.0', '1.0.0-rc.10');
  });

  it('knows no numbers beyond 2^53, where two versions would be one', () => {
    for (const version of ['9007199254740992.0.0', '1.9007199254740993.0', '1.0.0+old']) {
      const bytes = encodeManifest({ ...manifestOf('1.0.0'), version });
      assert.throws(() => parseManifest(bytes), { field: 'version' }, version);
    }
  });

  it('knows one spelling of a version only: whatever a reader could take for another is none', () => {
    const spellings = [
      '01.0.0',
      '1.0',
      'v1.0.0',
      ' 1.0.0',
      '1.0.0\n',
      '1.0.0-01',
      '1.0.0-',
      '1.0.0-a..b',
      '+1.0.0',
    ];
    for (const version of [...spellings, '\uff11.0.0', '1e3.0.0', '-1.0.0', '1.0.0\u200b', '1.0.0-\u0430']) {
      const bytes = encodeManifest(manifestOf(version));
      assert.throws(() => parseManifest(bytes), { field: 'version' }, JSON.stringify(version));
    }
  });
});

function manifestOf(version: string): Manifest {
  return { ...base, version };
}

const files = [{ path: 'model.onnx', role: 'model' as const, bytes: new TextEncoder().encode('model') }];
const tensor = { datatype: 'FP32', shape: ['n'] } as const;
const base: Manifest = completeManifest(
  {
    formatVersion: 1,
    name: 'Model',
    version: '1.0.0',
    componentName: 'org.edgemanager.model.Model',
    target: 'any',
    minimumRuntimeVersion: '0.1.0',
    model: { file: 'model.onnx', irVersion: 8, opset: 17, domains: [{ domain: 'ai.onnx', version: 17 }] },
    inputs: [{ name: 'x', ...tensor, shape: ['n'] }],
    outputs: [{ name: 'y', ...tensor, shape: ['n'] }],
    selfTest: { outcome: 'skipped' },
  },
  files,
);
