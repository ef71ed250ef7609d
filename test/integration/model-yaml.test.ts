import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityModel } from '../lib/onnx-builder.js';
import { runCli } from '../lib/cli.js';

describe('a model.yaml', () => {
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'edge-yaml-'));
    await mkdir(join(root, 'model'));
    await writeFile(join(root, 'private.txt'), 'private');
    await writeFile(join(root, 'model', 'mine.txt'), 'mine');
    await symlink('../private.txt', join(root, 'model', 'link.txt'));
    await writeFile(join(root, 'model', 'model.onnx'), identityModel('FP32', [1]));
  });
  after(async () => await rm(root, { recursive: true, force: true }));

  const pack = async (more: string, ...args: string[]) => {
    const text = `name: Model\nversion: 1.0.0\nmodel: model.onnx\nsamples: { make: { count: 1 } }\n${more}\n`;
    const file = join(root, 'model', 'model.yaml');
    await writeFile(file, text);
    return await runCli(['package', file, '-o', join(root, 'out'), '--skip-self-test', ...args]);
  };

  for (const more of [
    'licenceFile: ../private.txt',
    'licenceFile: /etc/passwd',
    'files: [../private.txt]',
    'files: [mine.txt, link.txt]',
    'labels: { file: ../private.txt }',
    'labels: { file: link.txt }',
    'baseline: { statistics: ../private.txt }',
    'baseline: { constraints: ../model/../private.txt }',
  ]) {
    it(`packs nothing from outside its folder: ${more}`, async () => {
      const { code, error } = await pack(more);
      assert.equal(code, 1);
      assert.match(error, /must lie in the folder of its model\.yaml[^]*--allow-outside/);
      const allowed = await pack(more, '--allow-outside');
      assert.equal(allowed.code, 0, allowed.error);
    });
  }

  for (const [more, field] of [
    [`labels: ['${'a'.repeat(257)}']`, 'labels'],
    [`minimumRuntimeVersion: 'one'`, 'minimumRuntimeVersion'],
    [`componentName: 'with blanks'`, 'componentName'],
    ['expires: tomorrow', 'expires'],
    ['files: [MANIFEST.json]', 'files'],
    [`provenance: { data: [${Array(65).fill('a').join(', ')}] }`, 'data'],
  ] as const) {
    it(`packs nothing that a reader of the package would refuse: ${field}`, async () => {
      await writeFile(join(root, 'model', 'MANIFEST.json'), '{}');
      const { code, error } = await pack(more);
      assert.equal(code, 1, more);
      assert.match(
        error,
        new RegExp(`Cannot (package the model|read model\\.yaml)[^]*${field}[^]*\\n`),
        more,
      );
      assert.match(error, /Correct it in model\.yaml|Cannot read model\.yaml/, more);
    });
  }

  it('packs no samples that a reader would refuse', async () => {
    const file = join(root, 'model', 'named.yaml');
    const cases = `cases: [{ name: '${'n'.repeat(257)}', inputs: { x: { data: [1] } } }]`;
    await writeFile(file, `name: Model\nversion: 1.0.0\nmodel: model.onnx\nsamples: { ${cases} }\n`);
    const { code, error } = await runCli(['package', file, '-o', join(root, 'named')]);
    assert.equal(code, 1);
    assert.match(error, /cases\[0\]\.name/);
  });

  it('packs what lies in its folder', async () => {
    const { code, error } = await pack(
      'licenceFile: mine.txt\nfiles: [./mine.txt]\nlabels: { file: mine.txt }',
    );
    assert.equal(code, 0, error);
  });
});
