import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { selectManifest, stepOf } from '../../../src/recipe/mod.js';
import { ownRecipe } from '../../lib/own-recipes.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const COMPONENTS = { AgentRuntime: 'agent-runtime', CaptureUploader: 'capture-uploader' };

for (const [component, artifact] of Object.entries(COMPONENTS)) {
  describe(`scripts of ${component}`, () => {
    let folder: string;
    let unpacked: string;
    let plain: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'scripts-'));
      unpacked = join(folder, 'unpacked', `${artifact}-linux-amd64`);
      plain = join(folder, 'plain');
      for (const path of [unpacked, plain, join(folder, 'bin')]) await mkdir(path, { recursive: true });
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    async function run(step: 'install' | 'run'): Promise<{ code: number | null; output: string }> {
      const recipe = await ownRecipe(join(root, 'recipes', `org.edgemanager.${component}.yaml`));
      const { lifecycle } = selectManifest(recipe, { os: 'linux', architecture: 'amd64' }, 'lite');
      const script = (stepOf(lifecycle, step)?.script ?? '')
        .replaceAll('{artifacts:decompressedPath}', join(folder, 'unpacked'))
        .replaceAll('{artifacts:path}', plain);
      const result = spawnSync('/bin/sh', ['-c', script], {
        env: { PATH: join(folder, 'bin') },
        encoding: 'utf8',
      });
      return { code: result.status, output: result.stdout + result.stderr };
    }

    /** A program that says who it is, and passes the check of its version as the real one does. */
    async function placeNode(path: string, says: string): Promise<void> {
      await writeFile(path, `#!/bin/sh\nfor last; do :; done\necho "${says} runs $last"\n`);
      await chmod(path, 0o755);
    }

    it('install passes with this Node', async () => {
      await symlink(process.execPath, join(folder, 'bin', 'node'));
      assert.deepEqual(await run('install'), { code: 0, output: '' });
    });

    it('install tells what to do where there is no Node', async () => {
      const { code, output } = await run('install');
      assert.equal(code, 1);
      assert.match(
        output,
        /^Cannot install the .* as there is no node on the PATH: install Node\.js 20\.19 or newer/,
      );
    });

    it('install refuses an older Node by name', async () => {
      const preload = join(folder, 'older.cjs');
      await writeFile(
        preload,
        `Object.defineProperty(process, 'versions', { value: { node: '18.20.1' } });\n`,
      );
      await writeFile(
        join(folder, 'bin', 'node'),
        `#!/bin/sh\nexec '${process.execPath}' -r '${preload}' "$@"\n`,
        { mode: 0o755 },
      );
      const { code, output } = await run('install');
      assert.equal(code, 1);
      assert.match(output, /needs Node\.js 20\.19 or newer, current version is 18\.20\.1/);
    });

    it('run takes the unpacked zip where there is one, and plain files otherwise', async () => {
      await placeNode(join(folder, 'bin', 'node'), "the device's node");
      assert.equal((await run('run')).output, `the device's node runs ${unpacked}/main.js\n`);
      await rm(unpacked, { recursive: true });
      assert.equal((await run('run')).output, `the device's node runs ${plain}/main.js\n`);
    });

    it('a Node inside the artifact comes first', async () => {
      await placeNode(join(folder, 'bin', 'node'), "the device's node");
      await placeNode(join(unpacked, 'node'), "the artifact's node");
      assert.equal((await run('run')).output, `the artifact's node runs ${unpacked}/main.js\n`);
    });
  });
}
