import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackageResult } from '../../deploy/mod.js';
import { parseSamples } from '../../src/model/mod.js';
import { fails, spawnCli, succeeds } from '../lib/cli.js';
import { intAttribute, node, onnxModel, stringAttribute } from '../lib/onnx-builder.js';

const FLOAT = 1;
const STRING = 8;

/** Numbers as texts, and back: what a C library's locale would change. */
const numbers = onnxModel({
  opset: 19,
  inputs: [
    { name: 'text', datatype: 'BYTES', shape: [2] },
    { name: 'number', datatype: 'FP32', shape: [2] },
  ],
  outputs: [
    { name: 'read', datatype: 'FP32', shape: [2] },
    { name: 'written', datatype: 'BYTES', shape: [2] },
  ],
  nodes: [
    node('Cast', ['text'], ['read'], [intAttribute('to', FLOAT)]),
    node('Cast', ['number'], ['written'], [intAttribute('to', STRING)]),
  ],
});

const lowering = (locale: string): Uint8Array =>
  onnxModel({
    inputs: [{ name: 'x', datatype: 'BYTES', shape: ['n'] }],
    outputs: [{ name: 'y', datatype: 'BYTES', shape: ['m'] }],
    nodes: [
      node(
        'StringNormalizer',
        ['x'],
        ['y'],
        [stringAttribute('case_change_action', 'LOWER'), stringAttribute('locale', locale)],
      ),
    ],
  });

describe("The machine's locale", () => {
  let folder = '';
  const at = (name: string): string => join(folder, name);
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'edge-locale-'))));
  after(async () => await rm(folder, { recursive: true, force: true }));

  it('changes no number that is read or written: a comma is none of ours', async () => {
    await writeFile(at('model.onnx'), numbers);
    await writeFile(at('rows.csv'), 'text,number\n0.5,1.25\n-1234.75,-1e-3\n');
    const yaml = `name: Numbers
version: 1.0.0
model: model.onnx
samples: { tolerance: { absolute: 0.125, relative: 0 }, cases: [{ inputs: { text: { csv: rows.csv, rows: [1, 2], shape: [2] }, number: { csv: rows.csv, rows: [1, 2], shape: [2] } } }] }
`;
    await writeFile(at('model.yaml'), yaml);
    // Where this machine can make it, the C library has that locale too, not only its name.
    spawnSync('localedef', ['-i', 'de_DE', '-f', 'UTF-8', at('de_DE.UTF-8')], { stdio: 'ignore' });
    const made: PackageResult[] = [];
    for (const locale of ['C', 'de_DE.UTF-8']) {
      const environment = { LANG: locale, LC_ALL: locale, LOCPATH: folder };
      const words = ['package', at('model.yaml'), '-o', at(locale), '--json'];
      const { code, out, error } = await spawnCli(words, environment, folder);
      assert.equal(code, 0, error);
      made.push(JSON.parse(out) as PackageResult);
    }
    const [first, second] = made;
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.digest, first.digest);
    const [sample] = parseSamples(await readFile(join(second.folder, 'samples.json')));
    const outputs = new Map(sample?.outputs.map(({ name, data }) => [name, Buffer.from(data)]));
    assert.deepEqual(outputs.get('read'), Buffer.from(Float32Array.of(0.5, -1234.75).buffer));
    assert.match(outputs.get('written')?.toString('latin1') ?? '', /1\.25.*-0\.001/s);
  });

  it('is needed where a model lowers text by it, which is said with the ways out', async () => {
    await writeFile(at('none.onnx'), lowering('qq_QQ.UTF-8'));
    await fails(
      /its StringNormalizer needs the locale qq_QQ\.UTF-8, which this machine does not have\n.*locale-gen qq_QQ\.UTF-8.*lower the text in the app/,
      'compile',
      at('none.onnx'),
    );
    await writeFile(at('plain.onnx'), lowering('C'));
    await succeeds('compile', at('plain.onnx'), '-o', at('plain.out.onnx'), '--cases', '1');
  });
});
