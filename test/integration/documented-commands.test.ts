import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../lib/model-package.js';

const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
const openssl = spawnSync('openssl', ['version']).status === 0;

describe('docs/packages.md', () => {
  it(`shows commands that work as they stand${openssl ? '' : ' (skipped: no openssl)'}`, async function () {
    if (!openssl) return this.skip();
    const text = await readFile(join(root, 'docs/packages.md'), 'utf8');
    const block = /^```sh\n(mkdir [^\n]*)\n(.*?)^```$/ms.exec(text)?.[2] ?? assert.fail();
    // The same commands, in a folder that goes away.
    const script = block
      .replaceAll('npx edge-manager', `'${process.execPath}' '${join(root, 'dist/deploy/cli.js')}'`)
      .replaceAll('../../', `${root}/`);
    const folder = await temporaryFolder('documented-');
    try {
      const { status, stdout, stderr } = spawnSync('/bin/sh', ['-e', '-c', script], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.match(stdout, /SileroVad 6\.0\.0 is whole/);
      assert.match(stdout, /Signed by key/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }).timeout(90_000);
});
