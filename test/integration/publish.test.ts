import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { IoT } from '@aws-sdk/client-iot';
import { S3 } from '@aws-sdk/client-s3';
import {
  AwsArtifacts,
  type ArtifactFile,
  AwsComponents,
  listModels,
  modelHistory,
  publish,
  readBuild,
  type PublishResult,
} from '../../deploy/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { sha256Hex, systemClock } from '../../src/system/mod.js';
import { startLocalCloud, type LocalCloud } from '../../src/local/cloud/mod.js';
import { modelRecipe } from '../../src/model/mod.js';
import { temporaryFolder, writeSmallPackage } from '../lib/model-package.js';

const BUCKET = 'artifacts';
const COMPONENT = 'org.edgemanager.model.Doubler';

describe('publish', () => {
  let folder: string;
  let cloud: LocalCloud;
  let components: AwsComponents;
  let artifacts: AwsArtifacts;

  beforeEach(async () => {
    folder = await temporaryFolder('publish-');
    await start('cloud');
  });

  afterEach(async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(name: string, componentDelayMs = 5): Promise<void> {
    cloud = await startLocalCloud({ folder: join(folder, name), componentDelayMs, buckets: [BUCKET] });
    const { region, credentials } = cloud;
    components = new AwsComponents({ region, credentials, endpoint: cloud.endpoint });
    artifacts = new AwsArtifacts({ region, credentials, endpoint: cloud.s3.endpoint });
  }

  async function stop(): Promise<void> {
    components.close();
    artifacts.close();
    await cloud.close();
  }

  async function build(
    version: string,
    commit: string,
    name = `build-${version}-${commit}`,
  ): Promise<string> {
    const out = join(folder, name);
    const small = await writeSmallPackage(join(folder, `${name}-package`), {
      manifest: { version, provenance: { commit, trainingJob: 'job-7', data: ['s3://data/doubles'] } },
    });
    const files = ['manifest.json', ...small.manifest.files.map(({ path }) => path)];
    const target = join(out, 'artifacts', COMPONENT, version);
    await mkdir(target, { recursive: true });
    await mkdir(join(out, 'recipes'), { recursive: true });
    for (const file of files) await cp(join(small.folder, file), join(target, file));
    const recipe = modelRecipe({
      componentName: COMPONENT,
      componentVersion: version,
      description: 'Doubles numbers',
      publisher: 'Tests',
      target: 'any',
      files,
    });
    await writeFile(join(out, 'recipes', 'recipe.yaml'), JSON.stringify(recipe));
    return out;
  }

  async function run(out: string, version?: string): Promise<PublishResult> {
    return await publish({
      build: await readBuild(out),
      bucket: BUCKET,
      components,
      artifacts,
      clock: systemClock,
      timeoutMs: 20_000,
      ...(version === undefined ? {} : { version }),
    });
  }

  async function removeObject(name: string): Promise<void> {
    const key = cloud.s3.objects(BUCKET).find((object) => object.key.endsWith(`/${name}`))?.key;
    const { region, credentials } = cloud;
    const s3 = new S3({ region, credentials, endpoint: cloud.s3.endpoint, forcePathStyle: true });
    await s3.deleteObject({ Bucket: BUCKET, Key: key });
    s3.destroy();
  }

  async function deploy(group: string, componentVersion: string): Promise<string> {
    const config = { region: cloud.region, credentials: cloud.credentials, endpoint: cloud.endpoint };
    const [iot, greengrass] = [new IoT(config), new GreengrassV2(config)];
    const { thingGroupArn = '' } = await iot.createThingGroup({ thingGroupName: group });
    await greengrass.createDeployment({
      targetArn: thingGroupArn,
      deploymentName: 'first',
      components: { [COMPONENT]: { componentVersion } },
    });
    iot.destroy();
    greengrass.destroy();
    return thingGroupArn;
  }

  async function refusal(act: Promise<unknown>): Promise<EdgeError> {
    try {
      await act;
    } catch (error) {
      assert.ok(error instanceof EdgeError, String(error));
      return error;
    }
    return assert.fail('nothing was refused');
  }

  it('gives a deployable version whose artifacts are the build, with tags that tell its origin', async () => {
    const out = await build('1.0.0', 'abc123');
    const result = await run(out);
    assert.equal(result.outcome, 'published');
    assert.equal(result.tags['edge-manager:model'], 'Doubler');
    assert.equal(result.tags['edge-manager:commit'], 'abc123');
    const recipe = JSON.parse(await cloud.store.recipe(COMPONENT, '1.0.0')) as {
      Manifests: { Artifacts: { Uri: string }[] }[];
    };
    const uris = recipe.Manifests[0]?.Artifacts.map(({ Uri }) => Uri) ?? [];
    assert.equal(uris.length, 4);
    for (const uri of uris) {
      const key = uri.replace(`s3://${BUCKET}/`, '');
      const name = key.slice(key.lastIndexOf('/') + 1);
      const sent = await readFile(join(out, 'artifacts', COMPONENT, '1.0.0', name));
      assert.deepEqual(await readFile(cloud.s3.path(BUCKET, key)), sent);
    }
  });

  it('changes nothing when it is repeated, and refuses another content under the same version', async () => {
    await run(await build('1.0.0', 'abc123'));
    const again = await run(await build('1.0.0', 'abc123', 'again'));
    assert.equal(again.outcome, 'already-published');
    const before = cloud.s3.objects(BUCKET).length;
    const error = await refusal(run(await build('1.0.0', 'other')));
    assert.equal(error.code, 'ALREADY_EXISTS');
    assert.match(error.message, /1\.0\.0 as that version exists with another content/);
    assert.equal(cloud.s3.objects(BUCKET).length, before);
  });

  it('finishes after a failure at any call, with one version and each artifact once', async () => {
    const out = await build('1.0.0', 'abc123');
    let failures = 0;
    for (let step = 0; step < 40; step++) {
      let calls = 0;
      const fails = (): boolean => calls++ === step;
      cloud.setHook(() => (fails() ? 'deny' : undefined));
      cloud.s3.setFaults(() => (fails() ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined));
      const failed = await run(out).then(
        () => undefined,
        (error: unknown) => error,
      );
      cloud.setHook(undefined);
      cloud.s3.setFaults(undefined);
      if (failed === undefined) break;
      assert.ok(failed instanceof EdgeError);
      failures++;
      assert.equal((await run(out)).version, '1.0.0');
      assert.equal(cloud.s3.objects(BUCKET).length, 4);
      await stop();
      await start(`cloud-${step}`);
    }
    assert.ok(failures >= 8, `${failures} calls were made to fail`);
  });

  it('takes a version as made where only the answer was lost', async () => {
    let cut = 0;
    cloud.setHook(({ operation }) =>
      operation === 'CreateComponentVersion' && cut++ === 0 ? 'cut-after' : undefined,
    );
    const result = await run(await build('1.0.0', 'abc123'));
    assert.equal(result.version, '1.0.0');
    assert.ok(cut > 0);
    assert.equal((await components.versionsOf(COMPONENT)).length, 1);
  });

  it('makes a version anew that AWS found FAILED', async () => {
    const out = await build('1.0.0', 'abc123');
    // AWS cannot read an artifact that was taken away between its first look and its check.
    await stop();
    await start('slow-checks', 1000);
    const create = components.createComponent.bind(components);
    components.createComponent = async (component) => {
      const arn = await create(component);
      await removeObject('model.onnx');
      return arn;
    };
    const error = await refusal(run(out));
    assert.equal(error.code, 'FAILED_PRECONDITION');
    components.createComponent = create;
    assert.equal((await run(out)).outcome, 'published');
  });

  it('names a bucket that does not exist', async () => {
    const out = await build('1.0.0', 'abc123');
    const error = await refusal(
      publish({
        build: await readBuild(out),
        bucket: 'nowhere',
        components,
        artifacts,
        clock: systemClock,
        timeoutMs: 1000,
      }),
    );
    assert.equal(error.message, 'Cannot publish as there is no bucket nowhere');
  });

  it('numbers a build with an open version, once per content', async () => {
    const open = async (script: string): Promise<string> => {
      const out = join(folder, `open-${script}`);
      await mkdir(join(out, 'artifacts', 'com.example.App', 'NEXT_PATCH'), { recursive: true });
      await mkdir(join(out, 'recipes'), { recursive: true });
      const recipe = {
        RecipeFormatVersion: '2020-01-25',
        ComponentName: 'com.example.App',
        ComponentVersion: '1.0.0',
        Manifests: [
          { Platform: { os: 'linux', runtime: '*' }, Lifecycle: { run: `echo ${script}` }, Artifacts: [] },
        ],
      };
      await writeFile(join(out, 'recipes', 'app.yaml'), JSON.stringify(recipe));
      return out;
    };
    assert.equal((await run(await open('one'))).version, '1.0.0');
    assert.equal((await run(await open('one'))).outcome, 'already-published');
    assert.equal((await run(await open('two'))).version, '1.0.1');
  });

  it('answers which data, commit and job a version came from', async () => {
    await run(await build('1.0.0', 'abc123'));
    await run(await build('1.1.0', 'def456'));
    const [newest] = await listModels({ components, artifacts });
    assert.equal(newest?.model, 'Doubler');
    assert.equal(newest?.version, '1.1.0');
    const { versions, deployedTo } = await modelHistory({ components, artifacts }, 'Doubler');
    assert.deepEqual(
      versions.map(({ version, commit, trainingJob, data }) => [version, commit, trainingJob, data]),
      [
        ['1.1.0', 'def456', 'job-7', 's3://data/doubles'],
        ['1.0.0', 'abc123', 'job-7', 's3://data/doubles'],
      ],
    );
    assert.deepEqual(deployedTo, []);
    const targetArn = await deploy('ovens', '1.0.0');
    assert.deepEqual((await modelHistory({ components, artifacts }, COMPONENT)).deployedTo, [
      { version: '1.0.0', targetArn, deploymentName: 'first' },
    ]);
    const error = await refusal(modelHistory({ components, artifacts }, 'Tripler'));
    assert.equal(error.code, 'NOT_FOUND');
  });

  it('puts a large file in parts, which nothing else may replace, and knows it again', async () => {
    const { region, credentials } = cloud;
    const partBytes = 5 * 1024 * 1024;
    const inParts = new AwsArtifacts({ region, credentials, endpoint: cloud.s3.endpoint }, partBytes);
    const write = async (name: string, filling: number): Promise<ArtifactFile> => {
      const path = join(folder, name);
      const bytes = new Uint8Array(2 * partBytes + 1000).fill(filling);
      await writeFile(path, bytes);
      return { path, sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
    };
    const large = await write('large', 1);
    assert.equal(await inParts.put(BUCKET, 'large', large), true);
    assert.equal(await inParts.put(BUCKET, 'large', large), false);
    assert.equal(
      (await refusal(inParts.put(BUCKET, 'large', await write('other', 2)))).reason,
      'OBJECT_TAKEN',
    );
    const back = await inParts.get(BUCKET, 'large', large.sizeBytes);
    assert.equal(sha256Hex(back), large.sha256);
    const s3 = new S3({ region, credentials, endpoint: cloud.s3.endpoint, forcePathStyle: true });
    assert.equal((await s3.listMultipartUploads({ Bucket: BUCKET })).Uploads?.length ?? 0, 0);
    s3.destroy();
    inParts.close();
  });

  it('knows what gdk published, without tags, by the manifest or at least by the name', async () => {
    const made = await readBuild(await build('1.0.0', 'abc123'));
    const uris = made.files.map(({ name }) => `s3://${BUCKET}/${COMPONENT}/1.0.0/${name}`);
    const publishBare = async (version: string): Promise<void> => {
      const recipe = {
        ...made.recipe,
        ComponentVersion: version,
        Manifests: made.recipe.Manifests.map((one) => ({ ...one, Artifacts: uris.map((Uri) => ({ Uri })) })),
      };
      const clientToken = version.replaceAll('.', '-');
      await components.createComponent({ recipe: JSON.stringify(recipe), tags: {}, clientToken });
    };
    for (const [index, file] of made.files.entries()) {
      await artifacts.put(BUCKET, (uris[index] ?? '').replace(`s3://${BUCKET}/`, ''), file);
    }
    await publishBare('1.0.0');
    const [known] = await listModels({ components, artifacts });
    assert.deepEqual([known?.model, known?.commit, known?.digest], ['Doubler', 'abc123', made.model?.digest]);
    await removeObject('manifest.json');
    const [bare] = await listModels({ components, artifacts });
    assert.deepEqual([bare?.model, bare?.digest], ['Doubler', '']);
  });
});
