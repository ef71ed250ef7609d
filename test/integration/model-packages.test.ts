import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { isJsonObject } from '../../src/core/mod.js';
import { fails, succeeds } from '../lib/cli.js';
import { longRun } from '../lib/fault-table.js';
import { identityModel, graphAttribute, node, onnxModel, rawTensor } from '../lib/onnx-builder.js';
import { keyPair, temporaryFolder } from '../lib/model-package.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const EXAMPLES = [
  {
    name: 'silero-vad-5',
    component: 'org.edgemanager.model.SileroVad',
    version: '5.0.0',
    inputs: ['--shape', 'input=1x576', '--value', 'sr=16000'],
  },
  {
    name: 'silero-vad-6',
    component: 'org.edgemanager.model.SileroVad',
    version: '6.0.0',
    inputs: ['--shape', 'input=1x576', '--value', 'sr=16000'],
  },
  {
    name: 'paddle-ocr-det',
    component: 'org.edgemanager.model.PaddleOcrDet',
    version: '4.0.0',
    inputs: ['--shape', 'x=1x3x64x64'],
  },
  {
    name: 'paddle-ocr-rec',
    component: 'org.edgemanager.model.PaddleOcrRec',
    version: '4.0.0',
    inputs: ['--shape', 'x=1x3x48x96'],
  },
  {
    name: 'paddle-ocr-cls',
    component: 'org.edgemanager.model.PaddleOcrCls',
    version: '2.0.0',
    inputs: ['--shape', 'x=1x3x48x192'],
  },
];

/** A long run takes all: the others are of the same kinds, and other tests package them. */
const QUICK = ['silero-vad-5', 'paddle-ocr-det', 'paddle-ocr-rec'];

function parsed(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  assert.ok(isJsonObject(value));
  return value;
}

describe('edge-manager on models', () => {
  let root = '';
  const at = (...parts: string[]): string => join(root, ...parts);

  before(async () => {
    root = await temporaryFolder();
    const { privatePem, publicPem } = keyPair();
    await writeFile(at('key.pem'), privatePem);
    await writeFile(at('public.pem'), publicPem);
    await writeFile(at('other.pem'), keyPair().publicPem);
    await writeFile(at('identity.onnx'), identityModel('FP32', ['n', 3]));
  });
  after(() => rm(root, { recursive: true, force: true }));

  for (const { name, component, version, inputs } of EXAMPLES.filter(
    ({ name }) => QUICK.includes(name) || longRun(),
  )) {
    it(`compiles, packages, signs, verifies and inspects ${name}`, async () => {
      const yaml = join(project, 'examples/models', name, 'model.yaml');
      const description: unknown = parse(await readFile(yaml, 'utf8'));
      const source = resolve(dirname(yaml), String((description as { model: string }).model));
      const compiled = at(`${name}.onnx`);
      const report = parsed(
        await succeeds('compile', source, '-o', compiled, '--cases', '2', '--json', ...inputs),
      );
      assert.equal(report['target'], 'any');
      const made = ['--model', compiled, '--report', at(`${name}.report.json`), '-o', at(name)];
      // Class names of paddle-ocr-rec come with its npm package.
      if (name === 'paddle-ocr-rec') {
        await fails(/must lie in the folder of its model\.yaml/, 'package', yaml, ...made);
        made.push('--allow-outside');
      }
      await succeeds('package', yaml, ...made);
      const folder = at(name, 'artifacts', component, version);
      await succeeds('sign', folder, '--key', at('key.pem'));
      assert.match(await succeeds('verify', folder, '--trust', at('public.pem')), /Signed by key/);
      const { package: held } = parsed(await succeeds('inspect', folder, '--json')) as {
        package: { manifest: { version: string; selfTest: { outcome: string } } };
      };
      assert.deepEqual([held.manifest.version, held.manifest.selfTest.outcome], [version, 'passed']);
      await checkRecipe(at(name), component, version, await readdir(folder));
    }).timeout(60_000);
  }

  async function checkRecipe(out: string, name: string, version: string, files: string[]): Promise<void> {
    const text = await readFile(join(out, 'recipes', 'recipe.yaml'), 'utf8');
    const recipe = parse(text) as {
      ComponentName: string;
      ComponentVersion: string;
      Manifests: { Artifacts: { Uri: string }[]; Lifecycle: { startup: { Script: string } } }[];
    };
    assert.deepEqual([recipe.ComponentName, recipe.ComponentVersion], [name, version]);
    const [manifest] = recipe.Manifests;
    const listed = manifest?.Artifacts.map(({ Uri }) => Uri.split('/').at(-1));
    assert.deepEqual(listed?.toSorted(), files.toSorted());
    assert.match(manifest?.Lifecycle.startup.Script ?? '', / \|\| exit 1\ntrap 'exit 0' EXIT$/);
    assert.ok(text.length < 16_000);
  }

  it('gives the same bytes for the same input', async () => {
    const yaml = join(project, 'examples/models/silero-vad-5/model.yaml');
    const bytes: string[] = [];
    for (const run of ['once', 'twice', 'twice']) {
      await succeeds('package', yaml, '-o', at(run));
      const folder = at(run, 'artifacts/org.edgemanager.model.SileroVad/5.0.0');
      const files = await readdir(folder);
      assert.deepEqual(files.toSorted(), ['manifest.json', 'model.onnx', 'samples.json']);
      const parts = await Promise.all(files.map((file) => readFile(join(folder, file), 'hex')));
      bytes.push(parts.join() + (await readFile(at(run, 'recipes/recipe.yaml'), 'utf8')));
    }
    assert.ok(bytes[0] === bytes[1] && bytes[1] === bytes[2]);
  });

  it('refuses a release whose samples fail, unless told to skip them, and says so', async () => {
    const yaml = join(project, 'examples/models/silero-vad-7-broken/model.yaml');
    await fails(/Cannot run the model as 'state' must be an input/, 'package', yaml, '-o', at('broken'));
    assert.deepEqual(await readdir(root).then((names) => names.filter((name) => name === 'broken')), []);
    await succeeds('package', yaml, '-o', at('broken'), '--skip-self-test');
    const manifest = await readFile(
      at('broken/artifacts/org.edgemanager.model.SileroVad/7.0.0/manifest.json'),
      'utf8',
    );
    assert.match(manifest, /"outcome": "skipped"/);
  });

  async function describeModel(name: string, lines: string): Promise<string> {
    await mkdir(at(name), { recursive: true });
    const file = at(name, 'model.yaml');
    await writeFile(file, `name: Bad\nversion: 1.0.0\nmodel: ../identity.onnx\n${lines}\n`);
    return file;
  }

  it('refuses bad descriptions in one sentence', async () => {
    const out = at('bad-out');
    const cases: [RegExp, string][] = [
      [/'colour' is not a known key/, 'colour: red'],
      [/'target' .*any, linux-x64, linux-arm64/, 'target: windows'],
      [/'samples' is missing/, ''],
      [/'z' is not an input of the model: it has x/, 'samples: { make: { count: 1, values: { z: 1 } } }'],
      [/'inputs.z' is not in the model: it has x/, 'inputs: { z: {} }\nsamples: { make: { count: 1 } }'],
      [
        /'versionLabels\[0\]' must not be stable or previous/,
        'versionLabels: [stable]\nsamples: { make: { count: 1 } }',
      ],
      [/ENOENT/, 'samples: { make: { count: 1 } }\nfiles: [nowhere.txt]'],
      [/not YAML/, 'a: b: c'],
      [
        /sample 'wrong' fails: output 'y' differs in 1 of 3/,
        'samples: { cases: [{ name: wrong, inputs: { x: { data: [1, 2, 3] } }, outputs: { y: { data: [1, 2, 4] } } }] }',
      ],
    ];
    for (const [index, [pattern, lines]] of cases.entries()) {
      await fails(pattern, 'package', await describeModel(`bad-${index}`, lines), '-o', out);
    }
    await assert.rejects(readdir(out), { code: 'ENOENT' });
    await fails(/ENOENT/, 'package', at('nowhere.yaml'));
  }).timeout(60_000);

  it('refuses bad names and versions', async () => {
    const file = at('names.yaml');
    for (const [pattern, head] of [
      [/'name' must have the form/, 'name: a_b\nversion: 1.0.0'],
      [/'version' must be a semantic version/, 'name: A\nversion: 1.x.0'],
    ] as const) {
      await writeFile(file, `${head}\nmodel: identity.onnx\n`);
      await fails(pattern, 'package', file, '-o', at('names-out'));
    }
  });

  it('refuses a model that is not there, and a dimension that it lacks', async () => {
    await fails(/missing/, 'compile', at('nowhere.onnx'));
    await fails(/no such dynamic dimension: it has n/, 'compile', at('identity.onnx'), '--dim', 'm=1');
  });

  it('comes back from a model that never ends', async () => {
    const always = rawTensor('always', 'BOOL', [], Uint8Array.of(1));
    const trips = rawTensor('trips', 'INT64', [], BigInt64Array.of(2n ** 62n));
    const body = graphAttribute('body', {
      inputs: [
        { name: 'i', datatype: 'INT64', shape: [] },
        { name: 'c', datatype: 'BOOL', shape: [] },
        { name: 'v', datatype: 'FP32', shape: ['n'] },
      ],
      outputs: [
        { name: 'c2', datatype: 'BOOL', shape: [] },
        { name: 'v2', datatype: 'FP32', shape: ['n'] },
      ],
      nodes: [node('Identity', ['c'], ['c2']), node('Identity', ['v'], ['v2'])],
    });
    const endless = onnxModel({
      inputs: [{ name: 'x', datatype: 'FP32', shape: ['n'] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: ['n'] }],
      nodes: [node('Loop', ['trips', 'always', 'x'], ['y'], [body])],
      initializers: [always, trips],
    });
    await writeFile(at('endless.onnx'), endless);
    await fails(
      /took more than 3 s/,
      'compile',
      at('endless.onnx'),
      '-o',
      at('never.onnx'),
      '--timeout',
      '3',
    );
  });

  it('refuses other keys, damaged packages and broken key files', async () => {
    const yaml = join(project, 'examples/models/paddle-ocr-cls/model.yaml');
    await succeeds('package', yaml, '-o', at('signed'), '--key', at('key.pem'));
    const folder = at('signed/artifacts/org.edgemanager.model.PaddleOcrCls/2.0.0');
    await succeeds('verify', folder, '--trust', at('public.pem'));
    await fails(/its key is not trusted/, 'verify', folder, '--trust', at('other.pem'));
    await fails(/its key is not trusted/, 'verify', folder);
    await fails(/it holds a block PRIVATE KEY/, 'verify', folder, '--trust', at('key.pem'));
    await fails(/Cannot use the signing key/, 'sign', folder, '--key', at('public.pem'));
    await cp(folder, at('damaged'), { recursive: true });
    await writeFile(at('damaged/samples.json'), '{}');
    await fails(/samples\.json is not acceptable/, 'verify', at('damaged'), '--trust', at('public.pem'));
    await fails(/samples\.json is not acceptable/, 'sign', at('damaged'), '--key', at('key.pem'));
  });
});
