import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp, platformsOf } from '../../../deploy/build/mod.js';
import { EdgeError } from '../../../src/core/mod.js';
import { parseRecipe, type Recipe } from '../../../src/recipe/mod.js';
import { ROOT } from '../../../examples/stage/root.js';
import { zipContent } from '../../lib/zip.js';

const NAME = 'com.example.App';
const RECIPE = {
  RecipeFormatVersion: '2020-01-25',
  ComponentName: NAME,
  ComponentVersion: '1.2.0',
  Manifests: [
    {
      Platform: { os: 'linux', runtime: '*' },
      Lifecycle: { run: 'exec node APP_FOLDER/main.js' },
      Artifacts: [],
    },
  ],
};

describe('building an app', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'app-build-'));
    await write('recipe.yaml', JSON.stringify(RECIPE));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  const artifact = (name: string, version = '1.2.0'): string =>
    join(folder, 'greengrass-build/artifacts', NAME, version, name);
  const recipe = async (): Promise<Recipe> =>
    parseRecipe(await readFile(join(folder, 'greengrass-build/recipes/recipe.yaml'), 'utf8'));

  async function refusal(): Promise<EdgeError> {
    try {
      await buildApp(folder);
    } catch (error) {
      assert.ok(error instanceof EdgeError, String(error));
      return error;
    }
    return assert.fail('it was built');
  }

  it('without the device SDK makes one zip for all platforms, and a recipe that finds it', async () => {
    await write('package.json', '{ "main": "app.ts", "files": ["data.txt"] }');
    await write('data.txt', 'data');
    await write('other.ts', 'export const said: string = "hello";');
    await write('app.ts', 'import { said } from "./other.js";\nconsole.log(said satisfies string);');
    const { warnings } = await buildApp(folder);
    assert.deepEqual(warnings, []);
    const files = await zipContent(artifact('app.zip'));
    assert.deepEqual([...files.keys()], ['data.txt', 'main.js', 'package.json']);
    assert.match(String(files.get('main.js')), /hello/);
    const [manifest] = (await recipe()).Manifests;
    assert.deepEqual(manifest, {
      Platform: { os: 'linux', runtime: '*' },
      Lifecycle: {
        run: 'app="{artifacts:decompressedPath}/app"\n[ -d "$app" ] || app="{artifacts:path}"\nexec node $app/main.js',
      },
      Artifacts: [{ Uri: 's3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/app.zip', Unarchive: 'ZIP' }],
    });
  });

  it('with it brings the native file of each platform, in a manifest of its own', async () => {
    await write('package.json', '{ "type": "module" }');
    await write(
      'main.ts',
      "import { eventstream_rpc } from 'aws-iot-device-sdk-v2';\nconsole.log(eventstream_rpc);",
    );
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await buildApp(folder);
    const found = (await recipe()).Manifests.map(({ Platform, Artifacts }) => [
      Platform?.architecture,
      Artifacts?.[0]?.Uri.split('/').at(-1),
    ]);
    assert.deepEqual(found, [
      ['amd64', 'app-linux-amd64.zip'],
      ['aarch64', 'app-linux-aarch64.zip'],
    ]);
    const [amd64, aarch64] = await Promise.all(
      ['amd64', 'aarch64'].map((name) => zipContent(artifact(`app-linux-${name}.zip`))),
    );
    const native = 'aws-crt-nodejs.node';
    assert.deepEqual([...(amd64?.keys() ?? [])], [native, 'main.js', 'package.json']);
    assert.notDeepEqual(amd64?.get(native), aarch64?.get(native));
  });

  it('leaves an app the names that modules like to give', async () => {
    await write('package.json', '{}');
    await write(
      'common.cjs',
      'module.exports = [require("node:path").basename(__dirname), typeof __filename];',
    );
    await write(
      'main.ts',
      `import { createRequire } from 'node:module';
      import { dirname } from 'node:path';
      import { fileURLToPath } from 'node:url';
      const require = createRequire(import.meta.url);
      const __filename = fileURLToPath(import.meta.url);
      const __dirname = dirname(__filename);
      const edgeCreateRequire = 1;
      import imported from './common.cjs';
      console.log(__dirname.length > 0, edgeCreateRequire, imported.length, typeof require('node:fs').statSync);`,
    );
    await buildApp(folder, { form: 'plain', platforms: platformsOf('linux-amd64') });
    const { status, stdout, stderr } = spawnSync(process.execPath, [artifact('main.js')], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, 'true 1 2 function\n');
  });

  it('takes the Python files where there is no package.json', async () => {
    for (const name of ['main.py', 'helper.py', 'requirements.txt', 'notes.md']) await write(name, '#');
    await buildApp(folder, { files: [join(folder, 'notes.md')] });
    assert.deepEqual(
      [...(await zipContent(artifact('app.zip'))).keys()],
      ['helper.py', 'main.py', 'notes.md', 'requirements.txt'],
    );
  });

  it('makes plain files, and goes where gdk looks for the version that gdk names', async () => {
    await write('package.json', '{}');
    await write('main.ts', 'console.log(1);');
    const component = {
      author: 'me',
      version: 'NEXT_PATCH',
      build: { build_system: 'custom' },
      publish: { bucket: 'b' },
    };
    await write(
      'gdk-config.json',
      JSON.stringify({ component: { [NAME]: component }, gdk_version: '1.6.2' }),
    );
    await buildApp(folder, { form: 'plain', platforms: platformsOf('linux-amd64') });
    assert.match(await readFile(artifact('main.js', 'NEXT_PATCH'), 'utf8'), /console\.log\(1\)/);
  });

  it('tells what is wrong, and keeps the former build', async () => {
    await write('package.json', '{}');
    await write('main.ts', 'console.log(1);');
    await buildApp(folder);
    await write('main.ts', "import 'not-installed';");
    const unresolved = await refusal();
    assert.equal(unresolved.reason, 'BUILD_REFUSED');
    assert.match(unresolved.message, /^Cannot bundle main\.ts: .*"not-installed" \(main\.ts:1\)$/);
    await rm(join(folder, 'main.ts'));
    assert.match((await refusal()).message, /entry main\.ts is missing/);
    await write('main.ts', '');
    await write('package.json', '{ "files": ["gone.wav"] }');
    assert.match((await refusal()).message, /gone\.wav is missing/);
    await write('package.json', '{');
    assert.equal((await refusal()).reason, 'FILE_UNREADABLE');
    await write('package.json', '{}');
    await write('recipe.yaml', JSON.stringify(RECIPE).replace('APP_FOLDER', '.'));
    assert.match((await refusal()).message, /no script of its recipe names APP_FOLDER/);
    assert.match(String((await zipContent(artifact('app.zip'))).get('main.js')), /console\.log\(1\)/);
  });
});
