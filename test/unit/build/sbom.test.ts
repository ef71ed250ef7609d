import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  billOfMaterials,
  CODE_COMPONENTS,
  NATIVE_CONTENT,
  nativeFiles,
  PLATFORMS,
  readLockfile,
  shippedPackages,
  stalePartsProblem,
} from '../../../deploy/build/mod.js';
import { sha256Hex } from '../../../src/system/mod.js';
import { cyclonedxAbsence, cyclonedxProblem } from '../../lib/cyclonedx.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly components?: readonly Component[];
}

const NPM = [...new Set(Object.values(NATIVE_CONTENT).map(({ npm }) => npm))];

function example(): string {
  const native = nativeFiles(['aws-crt', 'onnxruntime-node', 'koffi'], PLATFORMS[0] ?? assert.fail());
  return billOfMaterials({
    name: 'com.example.App',
    version: '1.2.3',
    packages: shippedPackages([...NPM, '@smithy/core'], root),
    files: [
      ...native.map(({ from, name }) => {
        const platform = PLATFORMS[0];
        return { name, sha256: sha256Hex(readFileSync(from)), ...(platform && { platform }) };
      }),
      { name: 'main.js', sha256: sha256Hex('main') },
    ],
  });
}

describe('the bill of materials', () => {
  let text = '';
  let components: readonly Component[] = [];
  before(() => {
    text = example();
    ({ components } = JSON.parse(text) as { components: readonly Component[] });
  });

  it('has the version of the whole', () => {
    const { metadata } = JSON.parse(text) as { metadata: { component: { version: string } } };
    assert.equal(metadata.component.version, '1.2.3');
  });

  it('has a hash of each npm package, that of the lockfile, and of each file', () => {
    for (const { type, name, hashes } of components) {
      const [hash] = hashes ?? [];
      assert.equal(hash?.alg, type === 'library' ? 'SHA-512' : 'SHA-256', name);
      if (type !== 'library') continue;
      const locked = readLockfile(root).packages[`node_modules/${name}`]?.integrity;
      assert.equal(`sha512-${Buffer.from(hash?.content ?? '', 'hex').toString('base64')}`, locked, name);
    }
  });

  it('names what is linked into libonnxruntime and aws-crt, with versions', () => {
    const parts = (file: string): (string | undefined)[] =>
      (components.find(({ name }) => name === file)?.components ?? []).map(({ name, version }) =>
        version === undefined ? undefined : `${name} ${version}`,
      );
    for (const part of ['mbedtls 3.6.5', 'sqlite 3.53.2', 'protobuf 33.6', 'onnx 1.22.0'])
      assert.ok(parts('libonnxruntime.so.1').includes(part), part);
    for (const part of ['aws-lc 5.4.0', 's2n-tls 1.7.6', 'aws-c-io 0.27.5'])
      assert.ok(parts('aws-crt-nodejs.node').includes(part), part);
    // Neither libcurl's file nor the sources of that build say which one it is.
    assert.deepEqual(
      parts('libonnxruntime.so.1').filter((part) => part === undefined),
      [undefined],
    );
  });

  it('gives equal bytes each time', () => {
    assert.equal(example(), text);
  });

  it('passes CycloneDX’s own schema, read strictly', function () {
    if (cyclonedxAbsence() !== undefined) return this.skip();
    assert.equal(cyclonedxProblem(text), undefined);
    const wrong = text.replace('"SHA-512"', '"SHA-5"');
    assert.match(cyclonedxProblem(wrong) ?? '', /SHA-5/);
  });
});

describe('the parts of native files', () => {
  it('were looked up for the npm packages that the lockfile pins', () => {
    const { packages } = readLockfile(root);
    const installed = new Map(NPM.map((name) => [name, packages[`node_modules/${name}`]?.version ?? '']));
    assert.equal(stalePartsProblem(installed), undefined);
    assert.match(
      stalePartsProblem(installed.set('aws-crt', '99.0.0')) ?? '',
      /aws-crt-nodejs\.node were looked up for aws-crt [\d.]+: installed is 99/,
    );
  });

  it('stop a build once npm’s package is another one', () => {
    const packages = [{ name: 'aws-crt', version: '99.0.0', licence: 'Apache-2.0', sha512: '' }];
    assert.throws(
      () => billOfMaterials({ name: 'a', version: '1.0.0', packages, files: [] }),
      /Cannot write a bill of materials as the parts of aws-crt-nodejs\.node/,
    );
  });

  for (const platform of PLATFORMS)
    it(`are found in the files for ${platform.name}, by what only they leave there`, () => {
      for (const { from, name } of nativeFiles(['aws-crt', 'onnxruntime-node', 'koffi'], platform)) {
        const bytes = readFileSync(from);
        for (const { name: part, marker, only } of NATIVE_CONTENT[name]?.parts ?? []) {
          if (marker === undefined) continue;
          const isIn = only === undefined || only === platform.nodeArch;
          assert.equal(bytes.includes(marker), isIn, `${part} in ${name}`);
        }
      }
    });

  it('are listed for every native file with libraries in it', () => {
    const names = new Set(
      CODE_COMPONENTS.flatMap(({ native }) => nativeFiles(native, PLATFORMS[0] ?? assert.fail())).map(
        ({ name }) => name,
      ),
    );
    // ONNX Runtime's binding for Node has its own few files only.
    assert.deepEqual(
      [...names].filter((name) => NATIVE_CONTENT[name] === undefined),
      ['onnxruntime_binding.node'],
    );
  });
});
