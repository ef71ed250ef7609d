import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startDevelopment } from '../../deploy/dev/mod.js';
import { AwsArtifacts, AwsComponents, publish, readBuild } from '../../deploy/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import { startLocalCloud } from '../../src/local/cloud/mod.js';
import type { Profile } from '../../src/local/nucleus/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { temporaryFolder } from '../lib/model-package.js';
import { until } from '../lib/until.js';

const NAME = 'com.example.Other';
/** As people write them: AWS and the nucleus take any case. */
const RECIPE = `---
recipeFormatVersion: '2020-01-25'
componentName: ${NAME}
ComponentVersion: '1.0.0'
ComponentSource: https://example.com
Lifecycle:
  Install:
    linux: { Script: 'cat {artifacts:path}/hello.txt > installed' }
  Run:
    linux: { script: 'cat installed; sleep 60' }
manifests:
  - platform: { os: linux }
    selections: [linux]
    artifacts:
      - URI: s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/hello.txt
        Permission: { Read: All }
`;

describe('a recipe of somebody else', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryFolder('others-');
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  async function built(recipe = RECIPE): Promise<string> {
    const out = join(folder, 'greengrass-build');
    await mkdir(join(out, 'recipes'), { recursive: true });
    await mkdir(join(out, 'artifacts', NAME, '1.0.0'), { recursive: true });
    await writeFile(join(out, 'recipes', 'recipe.yaml'), recipe);
    await writeFile(join(out, 'artifacts', NAME, '1.0.0', 'hello.txt'), 'hello\n');
    return out;
  }

  it('is published as it is written, with version and URIs filled in, and what to know of it', async () => {
    await using cloud = await startLocalCloud({
      folder: join(folder, 'cloud'),
      componentDelayMs: 5,
      buckets: ['artifacts'],
    });
    const { region, credentials } = cloud;
    const components = new AwsComponents({ region, credentials, endpoint: cloud.endpoint });
    const artifacts = new AwsArtifacts({ region, credentials, endpoint: cloud.s3.endpoint });
    const build = await readBuild(await built());
    assert.match(build.warnings.join('\n'), /'componentName' is read by the nucleus as 'ComponentName'/);
    const common = {
      build,
      bucket: 'artifacts',
      components,
      artifacts,
      clock: systemClock,
      timeoutMs: 20_000,
    };
    const { arn, outcome } = await publish(common);
    assert.equal(outcome, 'published');
    assert.equal((await publish(common)).outcome, 'already-published');
    const published = parse((await components.recipe(arn)) ?? '') as JsonObject;
    const given = parse(RECIPE) as JsonObject;
    assert.deepEqual(published['Lifecycle'], given['Lifecycle']);
    const [manifest] = published['manifests'] as JsonObject[];
    const [artifact] = (manifest?.['artifacts'] ?? []) as JsonObject[];
    assert.match(
      JSON.stringify(artifact?.['URI']),
      /^"s3:\/\/artifacts\/com\.example\.Other\/[0-9a-f]{64}\/hello\.txt"$/,
    );
    components.close();
    artifacts.close();
  });

  async function developed(
    profile: Profile,
    recipe = RECIPE,
  ): Promise<{ told: JsonObject[] } & AsyncDisposable> {
    await built(recipe);
    const told: JsonObject[] = [];
    const development = await startDevelopment({
      builds: [folder],
      profile,
      folder: join(folder, 's3'),
      thing: 'thing',
      region: 'eu-west-1',
      bucket: 'captures',
      buildVersion: '1.0.0',
      tell: (event) => told.push(event),
    });
    return { told, [Symbol.asyncDispose]: async () => await development.close() };
  }

  it('runs in edge-manager dev as on the nucleus, with a warning; nucleus lite refuses it', async () => {
    await using running = await developed('nucleus');
    const { told } = running;
    assert.ok(
      told.some(({ warning }) => /URI' is read by the nucleus as 'Uri'/.test(JSON.stringify(warning))),
    );
    assert.ok(
      told.some(({ status }) => status === 'SUCCEEDED'),
      JSON.stringify(told),
    );
    const logs = told.map(({ logs: one }) => one).find((one) => typeof one === 'string') ?? '';
    await until(
      async () => (await readFile(join(logs, `${NAME}.log`), 'utf8').catch(() => '')).includes('hello'),
      'the component says hello',
    );
    await assert.rejects(developed('lite'), { reason: 'FIELD_UNKNOWN' });
  });

  it('that the nucleus cannot load fails its deployment with a reason: no manifests, a plugin', async () => {
    const cases = [
      [RECIPE.replace(/manifests:[\s\S]*$/, 'Manifests: []\n'), /missing manifests/],
      [
        RECIPE.replace('Lifecycle:', 'ComponentType: aws.greengrass.plugin\nLifecycle:'),
        /runs no component of type/,
      ],
    ] as const;
    for (const [recipe, reason] of cases) {
      await using running = await developed('nucleus', recipe);
      const result = running.told.find(({ status }) => status !== undefined);
      assert.notEqual(result?.['status'], 'SUCCEEDED');
      assert.match(JSON.stringify(result?.['reason']), reason);
    }
  });
});
