import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRecipe } from '../../../src/recipe/mod.js';
import {
  folderStore,
  removeNucleusRoot,
  startNucleus,
  type DeploymentResult,
} from '../../../src/local/nucleus/mod.js';
import { BOTH, NucleusBench, writeBuild } from '../../lib/nucleus.js';
import { until } from '../../lib/until.js';

const A = 'com.example.A';

const RECIPE = `RecipeFormatVersion: '2020-01-25'
ComponentName: ${A}
ComponentVersion: NEXT_PATCH
ComponentConfiguration:
  DefaultConfiguration: { port: 5 }
Manifests:
  - Platform: { os: linux, runtime: '*' }
    Lifecycle:
      run: echo pid $$; cat {artifacts:path}/a.txt; exec sleep 300
    Artifacts:
      - Uri: s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/a.txt
`;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

for (const profile of BOTH) {
  describe(`a nucleus that starts again on its root (${profile})`, () => {
    it('starts what was deployed, with the configuration that it had', async () => {
      await using bench = await NucleusBench.start(profile);
      const lifecycle = { install: 'echo installed', run: 'echo up; exec sleep 300' };
      bench.store.add(A, '1.0.0', { lifecycle, configuration: { a: 'default' } });
      const update = { componentVersion: '1.0.0', configurationUpdate: { merge: { a: 'set' } } };
      await bench.mustDeploy({ [A]: update });
      await bench.untilLog(A, 'up');
      await bench.close();
      await bench.open();
      await bench.untilState(A, 'RUNNING');
      await bench.untilLog(A, /up[^]*up/);
      assert.deepEqual(bench.configurationOf(A), { a: 'set' });
      // The Java nucleus installs at each start, lite once.
      const installs = (await bench.log(A)).split('installed').length - 1;
      assert.equal(installs, profile === 'nucleus' ? 2 : 1);
    });

    it(`${profile === 'lite' ? 'ends' : 'leaves'} what a killed nucleus left running, and starts it anew`, async () => {
      const root = await mkdtemp(join(tmpdir(), 'ggc-'));
      const build = await mkdtemp(join(tmpdir(), 'build-'));
      try {
        const recipe = RECIPE.replace('NEXT_PATCH', '1.0.0');
        const artifacts = { 'a.txt': 'content\n' };
        await writeBuild(build, { name: A, version: '1.0.0', recipe, recipeFile: 'recipe.yaml', artifacts });
        const main = fileURLToPath(new URL('../../lib/nucleus-child.js', import.meta.url));
        const child = fork(main, [root, profile, build, A, '1.0.0']);
        const [result] = (await once(child, 'message')) as [DeploymentResult];
        assert.equal(result.status, 'SUCCEEDED', result.reason);
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
        const options = { rootPath: root, profile, thingName: 'T', region: 'eu-central-1' };
        const orphan = await orphanOf(root);
        assert.ok(isRunning(orphan), 'the component outlives its nucleus');
        await using nucleus = await startNucleus({ ...options, store: await folderStore({ path: build }) });
        if (profile === 'lite') await until(() => !isRunning(orphan), 'the orphan has ended');
        await until(() => nucleus.components()[0]?.state === 'RUNNING', 'the component runs');
        assert.notEqual(nucleus.components()[0]?.pid, orphan);
        // The Java nucleus never ends it; a laptop is not to be left with it.
        if (profile === 'nucleus') assert.ok(isRunning(orphan), 'both run');
        await nucleus.close();
        await until(() => !isRunning(orphan), 'nothing is left');
      } finally {
        await removeNucleusRoot(root);
        await rm(build, { recursive: true });
      }
    });

    it('is refused a root that another nucleus serves, and does it no harm', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', { lifecycle: { run: 'exec sleep 300' } });
      await bench.mustDeploy({ [A]: '1.0.0' });
      const pid = bench.pidOf(A);
      await assert.rejects(
        startNucleus({
          rootPath: bench.root,
          profile,
          thingName: 'T',
          region: 'eu-central-1',
          store: bench.store,
        }),
        { code: 'ALREADY_EXISTS' },
      );
      assert.equal(bench.pidOf(A), pid);
      assert.ok(isRunning(pid ?? 0));
    });

    it('names the file where its state is damaged', async () => {
      await using bench = await NucleusBench.start(profile);
      await bench.close();
      await writeFile(join(bench.root, 'config', 'nucleus.json'), '{"format":1,');
      await assert.rejects(bench.open(), /config\/nucleus\.json as it is not JSON/);
    });
  });
}

async function orphanOf(root: string): Promise<number> {
  const log = await readFile(join(root, 'logs', `${A}.log`), 'utf8');
  return Number(/pid (\d+)/.exec(log)?.[1]);
}

describe('folderStore', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'build-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('gives a NEXT_PATCH build the version of the caller', async () => {
    await writeBuild(folder, {
      name: A,
      version: 'NEXT_PATCH',
      recipe: RECIPE,
      recipeFile: 'recipe.yaml',
      artifacts: { 'a.txt': 'content' },
    });
    const store = await folderStore({ path: folder, version: '1.0.7' });
    assert.deepEqual(await store.versions(A), ['1.0.7']);
    assert.equal(parseRecipe(await store.recipe(A, '1.0.7')).ComponentVersion, '1.0.7');
    await store.fetchArtifact(A, '1.0.7', 's3://b/c/v/a.txt', join(folder, 'out.txt'));
    await assert.rejects(store.fetchArtifact(A, '1.0.7', 's3://b/c/v/none', join(folder, 'out')), {
      code: 'NOT_FOUND',
    });
    await assert.rejects(store.recipe(A, '9.9.9'), { code: 'NOT_FOUND' });
  });

  it('reads a JSON build, and takes several folders', async () => {
    const recipe = JSON.stringify({ ...parseRecipe(RECIPE.replace('NEXT_PATCH', '1.0.0')) });
    await writeBuild(folder, { name: A, version: '1.0.0', recipe, recipeFile: 'recipe.json', artifacts: {} });
    const store = await folderStore();
    assert.deepEqual(await store.versions(A), []);
    assert.deepEqual(await store.add({ path: folder }), { name: A, version: '1.0.0' });
    assert.deepEqual(await store.add({ path: folder, version: '1.0.1' }), { name: A, version: '1.0.1' });
    assert.deepEqual(await store.versions(A), ['1.0.0', '1.0.1']);
    assert.equal(parseRecipe(await store.recipe(A, '1.0.1')).ComponentVersion, '1.0.1');
  });

  it('refuses a folder that was not built', async () => {
    await assert.rejects(folderStore({ path: folder }), /exactly one recipe: there are 0/);
  });
});
