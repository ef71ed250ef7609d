import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDevelopment } from '../../deploy/dev/mod.js';
import { connect } from '../../src/client/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import {
  AGENT,
  buildCodeComponents,
  COMPONENT_VERSION,
  makeSigningKey,
  packageExample,
} from '../../examples/stage/mod.js';
import { runCli } from '../lib/cli.js';
import { until } from '../lib/until.js';

/** A window of silence for Silero. */
const INPUTS = [
  { name: 'input', datatype: 'FP32', shape: [1, 576], data: Array.from({ length: 576 }, () => 0) },
  { name: 'state', datatype: 'FP32', shape: [2, 1, 128], data: Array.from({ length: 256 }, () => 0) },
  { name: 'sr', datatype: 'INT64', shape: [], data: [16_000] },
];

describe('edge-manager dev', () => {
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dev-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('serves a model that was signed with the trusted key, and brings captures to its own S3', async () => {
    const key = makeSigningKey();
    const model = await packageExample('silero-vad-6', join(folder, 'models'), key);
    const code = await buildCodeComponents('zip', () => undefined);
    const publicPem = join(folder, 'public.pem');
    const inputs = join(folder, 'inputs.json');
    const deployment = join(folder, 'deployment.json');
    await writeFile(publicPem, key.publicPem);
    await writeFile(inputs, JSON.stringify(INPUTS));
    // What the deployment says itself stands beside what dev adds.
    const capture = { policies: [{ type: 'percentage', percent: 100 }], pushPeriodSeconds: 1 };
    const components = {
      [AGENT]: { componentVersion: COMPONENT_VERSION, configurationUpdate: { merge: { capture } } },
    };
    await writeFile(deployment, JSON.stringify({ components }));
    const told: JsonObject[] = [];
    const development = await startDevelopment({
      builds: [...code.map(({ path }) => path), model.path],
      profile: 'nucleus',
      folder: join(folder, 'data'),
      thing: 'dev-device',
      region: 'eu-west-1',
      bucket: 'my-captures',
      buildVersion: COMPONENT_VERSION,
      deployment,
      trust: [publicPem],
      tell: (event) => told.push(event),
    });
    try {
      const result = told.find(({ deploymentId }) => deploymentId === 'dev');
      assert.equal(result?.['status'], 'SUCCEEDED', JSON.stringify(told));
      const { rootPath, endpoint } = told.find((event) => event['rootPath'] !== undefined) ?? {};
      assert.ok(typeof rootPath === 'string' && typeof endpoint === 'string');
      await using app = (await connect({ endpoint })).client;
      assert.equal((await app.listModels())[0]?.name, 'SileroVad');
      const work = join(rootPath, 'work', AGENT);
      const said = await runCli([
        'local',
        'predict',
        'SileroVad',
        '--inputs',
        inputs,
        '--work',
        work,
        '--json',
      ]);
      assert.equal(said.code, 0, said.error);
      const bucket = join(folder, 'data', 's3');
      await until(
        async () =>
          (await readdir(bucket, { recursive: true })).some((path) => /my-captures.*SileroVad/.test(path)),
        'the capture stands in the local S3',
      );
    } finally {
      await development.close();
    }
  }).timeout(120_000);

  it('refuses to trust a private key, before anything is started', async () => {
    const secret = join(folder, 'secret.pem');
    await writeFile(secret, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
    const { code, error } = await runCli(['dev', '--trust', secret]);
    assert.equal(code, 1);
    assert.match(error, /Cannot trust .*secret\.pem as it holds no public key or certificate/);
    assert.doesNotMatch(error, /AAAA/);
  });
});
