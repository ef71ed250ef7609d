import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { parseRecipe, problemsOnLite } from '../../src/recipe/mod.js';
import { longRun } from '../lib/fault-table.js';
import { zipContent } from '../lib/zip.js';
import { buildAsGdk, findGdk, gdkEnvironment, publishAsGdk, readGdkConfig, run } from '../lib/gdk.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const WHOLE = '.';
/** Those that the build of the whole builds too. */
const PARTS = {
  'components/agent-runtime': ['agent-runtime-linux-aarch64.zip', 'agent-runtime-linux-amd64.zip'],
  'components/capture-uploader': ['capture-uploader-linux-aarch64.zip', 'capture-uploader-linux-amd64.zip'],
} as const;
const MODEL = 'components/model-package';
const PROJECTS = { [WHOLE]: [], ...PARTS, [MODEL]: ['manifest.json', 'model.onnx', 'samples.json'] } as const;

describe('gdk builds', function () {
  for (const [project, expected] of Object.entries(PROJECTS)) {
    const folder = join(root, project);

    it(`gdk's way of building leaves in ${project} what its publish takes`, async () => {
      const isBuilt = Object.keys(PARTS).includes(project) && !longRun();
      if (project === WHOLE) await forgetParts();
      if (!isBuilt) await buildAsGdk(folder);
      const { command } = await readGdkConfig(folder);
      if (isBuilt) assert.deepEqual(command, (await readGdkConfig(join(root, MODEL))).command);
      await checkPublishable(folder, expected);
    });

    it(`the stock gdk builds ${project}`, async function () {
      const gdk = await findGdk();
      if (gdk === undefined) {
        console.log('      skipped: no gdk is on the PATH');
        this.skip();
      }
      await run(gdk, ['component', 'build'], folder, gdkEnvironment());
      await checkPublishable(folder, expected);
    });
  }

  it('device zips are flat and hold code, native files of their platform, licences and a bill of materials', async () => {
    const folder = join(root, 'components/agent-runtime');
    const { name } = await readGdkConfig(folder);
    const artifacts = join(folder, 'greengrass-build', 'artifacts', name, 'NEXT_PATCH');
    const machines = { amd64: 0x3e, aarch64: 0xb7 };
    for (const [architecture, machine] of Object.entries(machines)) {
      const content = await zipContent(join(artifacts, `agent-runtime-linux-${architecture}.zip`));
      assert.deepEqual(
        [...content.keys()].sort(),
        [
          'LICENSE',
          'THIRD-PARTY-LICENCES.txt',
          'control.js',
          'host-launcher.cjs',
          'koffi.node',
          'libonnxruntime.so.1',
          'local-cli.js',
          'main.js',
          'model-host.js',
          'onnxruntime_binding.node',
          'package.json',
          'python-host.pyz',
          'register-model.js',
          'sbom.cdx.json',
        ].sort(),
      );
      const natives = ['koffi.node', 'libonnxruntime.so.1', 'onnxruntime_binding.node'];
      for (const native of natives) {
        // e_machine of the ELF header.
        assert.equal(content.get(native)?.readUInt16LE(18), machine, `${native} for ${architecture}`);
      }
      for (const [file, bytes] of content) {
        if (/\.(c?js|json|txt)$/.test(file)) assert.ok(!bytes.includes(root.replace(/\/$/, '')), file);
      }
    }
  });
});

async function forgetParts(): Promise<void> {
  for (const part of Object.keys(PARTS))
    await rm(join(root, part, 'greengrass-build'), { recursive: true, force: true });
}

async function checkPublishable(folder: string, expected: readonly string[]): Promise<void> {
  const { name, version } = await readGdkConfig(folder);
  const { recipe, files } = await publishAsGdk(
    folder,
    version === 'NEXT_PATCH' ? '1.0.1' : version,
    'bucket',
  );
  assert.deepEqual([...files].sort(), [...expected]);
  assert.deepEqual(await readdir(join(folder, 'greengrass-build', 'artifacts')), [name]);
  const text = stringify(recipe, { lineWidth: 0 });
  assert.ok(!/BUCKET_NAME|COMPONENT_NAME|COMPONENT_VERSION|NEXT_PATCH/.test(text), 'no placeholder is left');
  assert.deepEqual(problemsOnLite(parseRecipe(text)), []);
}
