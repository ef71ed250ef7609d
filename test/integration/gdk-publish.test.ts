import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AwsComponents } from '../../deploy/mod.js';
import { startLocalCloud, type LocalCloud } from '../../src/local/cloud/mod.js';
import { findGdk, gdkEnvironment, readGdkConfig, run } from '../lib/gdk.js';
import { temporaryFolder } from '../lib/model-package.js';
import { until } from '../lib/until.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const BUCKET = 'edge-manager-components-us-east-1-123456789012';
/** Each project, and the version that its second publish makes; a literal version can be published once. */
const PROJECTS = {
  'components/agent-runtime': '1.0.1',
  'components/capture-uploader': '1.0.1',
  'components/model-package': undefined,
  '.': '1.0.1',
} as const;

describe('the stock gdk publishes to the local cloud', function () {
  let folder: string;
  let cloud: LocalCloud;
  let gdk = '';

  before(async function () {
    const found = await findGdk();
    if (found === undefined) {
      console.log('    skipped: no gdk is on the PATH');
      return this.skip();
    }
    gdk = found;
    folder = await temporaryFolder('gdk-publish-');
    cloud = await startLocalCloud({ folder, componentDelayMs: 5 });
  });

  after(async () => {
    if (gdk === '') return;
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  const publish = (project: string): Promise<string> =>
    run(gdk, ['component', 'publish'], join(root, project), gdkEnvironment(cloud.environment));

  for (const [project, next] of Object.entries(PROJECTS)) {
    it(`${project}: a deployable version with every artifact, and ${next ?? 'no second one'}`, async () => {
      const { name, version } = await readGdkConfig(join(root, project));
      const first = next === undefined ? version : '1.0.0';
      await publish(project);
      await until(async () => (await cloud.store.versions(name)).includes(first), 'it is deployable');
      const artifacts = join(root, project, 'greengrass-build', 'artifacts', name, version);
      for (const file of await readdir(artifacts)) {
        const stored = await readFile(cloud.s3.path(BUCKET, `${name}/${first}/${file}`));
        assert.ok(stored.equals(await readFile(join(artifacts, file))), file);
      }
      if (next === undefined) {
        await assert.rejects(publish(project), /ConflictException/);
      } else {
        await publish(project);
        await until(async () => (await cloud.store.versions(name)).includes(next), 'the next is');
      }
    });
  }

  it('and the registry knows model, version and digest of what gdk published', async () => {
    const command = join(root, 'scripts', 'edge-manager.mjs');
    const out = await run(process.execPath, [command, 'models', 'list', '--json'], folder, {
      PATH: process.env['PATH'] ?? '',
      NODE_NO_WARNINGS: '1',
      ...cloud.environment,
    });
    const [model, ...others] = JSON.parse(out) as { model: string; version: string; digest: string }[];
    assert.deepEqual([model?.model, model?.version, others], ['SileroVad', '6.0.0', []]);
    assert.match(model?.digest ?? '', /^[0-9a-f]{64}$/);
    const { region, endpoint, credentials } = cloud;
    const components = new AwsComponents({ region, endpoint, credentials });
    assert.equal((await components.componentNames()).length, 4);
    components.close();
  });
});
