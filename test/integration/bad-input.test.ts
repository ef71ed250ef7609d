import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { fails, failsAsNobody, failsWithStep, nobodyCanRun, succeeds } from '../lib/cli.js';
import { keyPair, temporaryFolder, writeSmallPackage } from '../lib/model-package.js';
import { externalTensor, identityModel, node, onnxModel } from '../lib/onnx-builder.js';

const { onnx } = onnxProto;
const openssl = spawnSync('openssl', ['version']).status === 0;
const one = { datatype: 'FP32', shape: [1] } as const;

function withWeights(location: string, length = '4'): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'x', ...one }],
    outputs: [{ name: 'y', ...one }],
    nodes: [node('Add', ['x', 'w'], ['y'])],
    initializers: [externalTensor('w', 'FP32', [1], { location, offset: '0', length })],
  });
}

/** What lies in a clone in place of a large file before `git lfs pull`. */
const POINTER = Buffer.from(
  `version https://git-lfs.github.com/spec/v1\noid sha256:${'4d'.repeat(32)}\nsize 2327524\n`,
);

/** A good model, changed. */
function changed(change: (graph: onnxProto.onnx.IGraphProto) => void): Uint8Array {
  const model = onnx.ModelProto.decode(identityModel('FP32', [1]));
  if (model.graph) change(model.graph);
  return onnx.ModelProto.encode(model).finish();
}

function irVersion(version: number): Uint8Array {
  const model = onnx.ModelProto.decode(identityModel('FP32', [1]));
  model.irVersion = version;
  return onnx.ModelProto.encode(model).finish();
}

function many(count: number): Uint8Array {
  const outputs = Array.from({ length: count }, (_, index) => ({ name: `y${index}`, ...one }));
  const nodes = outputs.map(({ name }) => node('Identity', ['x'], [name]));
  return onnxModel({ inputs: [{ name: 'x', ...one }], outputs, nodes });
}

const MODELS: Readonly<Record<string, readonly [model: Uint8Array, sentence: RegExp]>> = {
  'a truncated model': [identityModel('FP32', [1]).subarray(0, 40), /cut off or no ONNX file/],
  'an empty file': [new Uint8Array(), /Cannot read the model as/],
  'a Git LFS pointer': [POINTER, /is a Git LFS pointer, not the model itself\nNext: Run git lfs pull/],
  'a PyTorch archive': [
    Buffer.from('PK\x03\x04 archive/data.pkl'),
    /is a zip archive, as PyTorch and Keras write\nNext: Export/,
  ],
  'weights as a Git LFS pointer': [
    withWeights('pointer.bin', '4000'),
    /of pointer\.bin, which is a Git LFS pointer, not the model itself\nNext: Run git lfs pull/,
  ],
  'a text': [Buffer.from('no model'), /cut off or no ONNX file/],
  'a missing external file': [withWeights('weights.bin'), /weights\.bin/],
  'an external file elsewhere': [withWeights('../../secret'), /secret/],
  'an absolute external file': [withWeights('/etc/hostname'), /hostname/],
  'an external file that is too short': [withWeights('short.bin', '4000'), /short\.bin|'w'/],
  'an operator of a foreign domain': [
    onnxModel({
      inputs: [{ name: 'x', ...one }],
      outputs: [{ name: 'y', ...one }],
      nodes: [node('Run', ['x'], ['y'], [], 'com.evil')],
      domains: [{ domain: 'com.evil', version: 1 }],
    }),
    /com\.evil/,
  ],
  'an input that is a sequence': [
    changed((graph) => (graph.input = [{ name: 'x', type: { sequenceType: {} } }])),
    /input 'x' is not a tensor/,
  ],
  'an input of an IR version of before inputs': [irVersion(1), /IR version must be at least 3/],
  'an input that is there twice': [
    changed((graph) => (graph.input = [...(graph.input ?? []), ...(graph.input ?? [])])),
    /input 'x' is there twice/,
  ],
  'more outputs than a package may have': [many(257), /at most 256 outputs: current number is 257/],
};

/** What may be wrong in a model.yaml beside a good model. */
const DESCRIPTIONS: Readonly<Record<string, readonly [lines: string, sentence: RegExp]>> = {
  'a sample of another input': ['samples: { cases: [{ inputs: { z: 1 } }] }', /z' is not in the model/],
  'a sample without its input': ['samples: { cases: [{ inputs: {} }] }', /'x'/],
  'a sample that does not fit its type': ['samples: { cases: [{ inputs: { x: warm } }] }', /warm/],
  'a sample in no known form': ['samples: { cases: [{ inputs: { x: { npz: a.npz } } }] }', /npz/],
  'a sample in a file that is not there': [
    'samples: { cases: [{ inputs: { x: { npy: a.npy } } }] }',
    /a\.npy/,
  ],
  'a sample in a row that is not there': [
    'samples: { cases: [{ inputs: { x: { csv: rows.csv, rows: 9 } } }] }',
    /row 9 is not in the table/,
  ],
  'a sample that the model does not give': [
    'samples: { cases: [{ inputs: { x: 1 }, outputs: { y: 2 } }] }',
    /sample 'case 1' fails/,
  ],
  'made samples of another input': [
    'samples: { make: { count: 1, values: { z: 1 } } }',
    /'z' is not an input/,
  ],
  'no samples': ['publisher: me', /'samples' is missing/],
  'a version that is none': ['samples: { make: { count: 1 } }\ncomponentVersion: first', /semantic version/],
  'a licence that is not there': ['samples: { make: { count: 1 } }\nlicenceFile: none.txt', /none\.txt/],
  'steps that the graph lacks': [
    'samples: { make: { count: 1 } }\npreprocess: { x: { scale: 2 } }',
    /'preprocess\.x' is not in its graph/,
  ],
};

/** What issue trackers call user errors: each through the command line. */
describe('bad input to edge-manager', function () {
  let root = '';
  const at = (...parts: string[]): string => join(root, ...parts);

  before(async () => {
    root = await temporaryFolder('bad-input-');
    const { privatePem, publicPem } = keyPair();
    await writeFile(at('key.pem'), privatePem);
    await writeFile(at('public.pem'), publicPem);
    await writeFile(at('other.pem'), keyPair().publicPem);
    await writeSmallPackage(at('package'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  /** Runs the failing act, and holds the folder to what it was before. */
  async function leavesNothing(folder: string, act: () => Promise<void>): Promise<void> {
    const before = (await readdir(folder, { recursive: true })).sort();
    await act();
    assert.deepEqual((await readdir(folder, { recursive: true })).sort(), before);
  }

  for (const [kind, [model, sentence]] of Object.entries(MODELS)) {
    it(`${kind}: refused by compile, package and inspect`, async () => {
      const folder = at(kind.replaceAll(' ', '-'));
      await mkdir(folder);
      await writeFile(join(folder, 'bad.onnx'), model);
      await writeFile(join(folder, 'short.bin'), 'x');
      await writeFile(join(folder, 'pointer.bin'), POINTER);
      const yaml = 'name: Bad\nversion: 1.0.0\nmodel: bad.onnx\nsamples: { make: { count: 1 } }\n';
      await writeFile(join(folder, 'model.yaml'), yaml);
      await leavesNothing(folder, async () => {
        await failsWithStep(sentence, 'compile', join(folder, 'bad.onnx'), '-o', join(folder, 'out.onnx'));
        await failsWithStep(sentence, 'package', join(folder, 'model.yaml'), '-o', join(folder, 'out'));
        await failsWithStep(sentence, 'inspect', join(folder, 'bad.onnx'));
      });
    });
  }

  for (const [kind, [lines, sentence]] of Object.entries(DESCRIPTIONS)) {
    it(`${kind}: refused by package`, async () => {
      const folder = at('descriptions');
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'good.onnx'), identityModel('FP32', [1]));
      await writeFile(join(folder, 'rows.csv'), 'x\n1\n');
      await writeFile(join(folder, 'model.yaml'), `name: Good\nversion: 1.0.0\nmodel: good.onnx\n${lines}\n`);
      await leavesNothing(folder, async () => {
        await failsWithStep(sentence, 'package', join(folder, 'model.yaml'), '-o', join(folder, 'out'));
      });
    });
  }

  for (const [what, sentence, ...more] of [
    ['a dimension that it does not have', /no such dynamic dimension/, '--dim', 'n=3'],
    ['a value for another input', /'z' is not an input/, '--value', 'z=1'],
    ['a shape that does not fit', /its shape must fit \[1\]/, '--shape', 'x=2'],
    ['an output that it does not have', /'z' is not one of its outputs/, '--outputs', 'z'],
    ['calibration by nothing', /calibrated by samples/, '--quantise', 'static-int8'],
  ] as const) {
    it(`${what}: refused by compile`, async () => {
      await writeFile(at('good.onnx'), identityModel('FP32', [1]));
      await failsWithStep(sentence, 'compile', at('good.onnx'), '-o', at('good.out.onnx'), ...more);
    });
  }

  it('an operator that ONNX Runtime does not know: refused by compile, and by package as it tries it', async () => {
    const unknown = onnxModel({
      inputs: [{ name: 'x', ...one }],
      outputs: [{ name: 'y', ...one }],
      nodes: [node('NoSuchOperator', ['x'], ['y'])],
    });
    await writeFile(at('unknown.onnx'), unknown);
    await writeFile(
      at('unknown.yaml'),
      'name: Bad\nversion: 1.0.0\nmodel: unknown.onnx\nsamples: { make: { count: 1 } }\n',
    );
    await failsWithStep(/NoSuchOperator/, 'compile', at('unknown.onnx'));
    await failsWithStep(/NoSuchOperator/, 'package', at('unknown.yaml'), '-o', at('unknown'));
  });

  it('a manifest with an unknown key: refused by verify, sign, inspect', async () => {
    const folder = at('unknown-key');
    await cp(at('package'), folder, { recursive: true });
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as object;
    await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, colour: 'red' }));
    await leavesNothing(folder, async () => {
      await fails(/'colour' is not a known key/, 'verify', folder, '--policy', 'off');
      await fails(/'colour' is not a known key/, 'sign', folder, '--key', at('key.pem'));
      await fails(/'colour' is not a known key/, 'inspect', folder);
    });
  });

  it('a wrong key: refused by verify; one that is no key: refused by sign and package', async () => {
    const folder = at('signed');
    await cp(at('package'), folder, { recursive: true });
    await succeeds('sign', folder, '--key', at('key.pem'));
    await succeeds('verify', folder, '--trust', at('public.pem'));
    await writeFile(at('no-key.pem'), 'no key');
    await leavesNothing(root, async () => {
      await fails(/its key is not trusted/, 'verify', folder, '--trust', at('other.pem'));
      await fails(/Cannot use the signing key/, 'sign', at('package'), '--key', at('no-key.pem'));
      await fails(/ENOENT/, 'sign', at('package'), '--key', at('nowhere.pem'));
    });
  });

  it(`an expired certificate: refused by verify${openssl ? '' : ' (skipped: no openssl to make one)'}`, async function () {
    if (!openssl) return this.skip();
    const folder = at('expired');
    await cp(at('package'), folder, { recursive: true });
    await writeFile(at('leaf.ext'), 'keyUsage=digitalSignature');
    const request = execFileSync('openssl', ['req', '-new', '-key', at('key.pem'), '-subj', '/CN=signer']);
    const make = ['x509', '-req', '-days', '-1', '-signkey', at('key.pem'), '-extfile', at('leaf.ext')];
    const certificate = execFileSync('openssl', make, { input: request, stdio: ['pipe', 'pipe', 'ignore'] });
    await writeFile(at('leaf.pem'), certificate);
    await succeeds('sign', folder, '--key', at('key.pem'), '--chain', at('leaf.pem'));
    await fails(/CN=signer .*expired|expired/, 'verify', folder, '--trust', at('leaf.pem'));
  });

  it('an unwritable folder: refused by compile, package and sign', async function () {
    if (!(await nobodyCanRun())) {
      console.log('      skipped: a user without rights cannot read this project');
      return this.skip();
    }
    const folder = at('locked');
    await mkdir(folder);
    await cp(at('package'), join(folder, 'package'), { recursive: true });
    await writeFile(join(folder, 'good.onnx'), identityModel('FP32', [1]));
    const yaml = 'name: Good\nversion: 1.0.0\nmodel: good.onnx\nsamples: { make: { count: 1 } }\n';
    await writeFile(join(folder, 'model.yaml'), yaml);
    await cp(at('key.pem'), join(folder, 'key.pem'));
    await chmod(root, 0o755);
    for (const entry of await readdir(folder, { recursive: true })) {
      const isFolder = entry === 'package';
      await chmod(join(folder, entry), isFolder ? 0o555 : 0o444);
    }
    await chmod(folder, 0o555);
    await leavesNothing(folder, async () => {
      const model = join(folder, 'good.onnx');
      await failsAsNobody(/can't be written|EACCES/, 'compile', model, '-o', join(folder, 'out.onnx'));
      await failsAsNobody(
        /can't be written|EACCES/,
        'package',
        join(folder, 'model.yaml'),
        '-o',
        join(folder, 'out'),
      );
      await failsAsNobody(
        /can't be written|EACCES/,
        'sign',
        join(folder, 'package'),
        '--key',
        join(folder, 'key.pem'),
      );
    });
  });
});
