import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startLocalCloud, type LocalCloud } from '../../src/local/cloud/mod.js';
import { run } from '../lib/gdk.js';
import { temporaryFolder } from '../lib/model-package.js';
import { pythonAbsence, PythonHost } from '../lib/python-host.js';

describe("AWS's own command line against the local cloud", function () {
  let folder: string;
  let cloud: LocalCloud | undefined;
  let python: PythonHost | undefined;

  before(async function () {
    const absence = pythonAbsence('awscli');
    if (absence !== undefined) {
      console.log(`      skipped: ${absence} (pip install awscli)`);
      return this.skip();
    }
    folder = await temporaryFolder('aws-cli-');
    cloud = await startLocalCloud({ folder: join(folder, 'cloud') });
    python = new PythonHost(environment());
  });

  after(async () => {
    if (cloud === undefined) return;
    await python?.[Symbol.asyncDispose]();
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  const environment = (): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    AWS_PAGER: '',
    ...cloud?.environment,
  });

  async function aws(...args: readonly string[]): Promise<Record<string, unknown>> {
    const answer = await python?.aws(...args, '--output', 'json');
    if (answer?.code !== 0) throw new Error(answer?.errors);
    return objectOf(answer.output);
  }

  it('is told by it as a process who it is', async () => {
    const out = await run('aws', ['sts', 'get-caller-identity', '--output', 'json'], folder, environment());
    assert.equal(objectOf(out)['Account'], cloud?.accountId);
  });

  it('asks who it is, makes and deletes a thing group, as docs/fleets.md tells people to', async () => {
    assert.equal((await aws('sts', 'get-caller-identity'))['Account'], cloud?.accountId);
    await aws('iot', 'create-thing-group', '--thing-group-name', 'ovens');
    await aws('iot', 'create-thing', '--thing-name', 'oven-1');
    await aws('iot', 'add-thing-to-thing-group', '--thing-group-name', 'ovens', '--thing-name', 'oven-1');
    assert.equal(((await aws('iot', 'list-things'))['things'] as unknown[]).length, 1);
    await aws('iot', 'delete-thing-group', '--thing-group-name', 'ovens');
    assert.deepEqual((await aws('iot', 'list-thing-groups'))['thingGroups'], []);
    const { endpointAddress } = await aws('iot', 'describe-endpoint', '--endpoint-type', 'iot:Data-ATS');
    assert.equal(endpointAddress, new URL(cloud?.endpoint ?? '').host);
  });

  it('lists components and deployments, and is refused what AWS refuses', async () => {
    assert.deepEqual((await aws('greengrassv2', 'list-components'))['components'], []);
    assert.deepEqual((await aws('greengrassv2', 'list-deployments'))['deployments'], []);
    await assert.rejects(
      aws('greengrassv2', 'list-components', '--no-paginate', '--max-results', '101'),
      /ValidationException.*maxResults/s,
    );
    await assert.rejects(
      aws('iot-data', 'get-thing-shadow', '--thing-name', 'oven-1', 'shadow.json'),
      /ResourceNotFoundException/,
    );
  });
});

function objectOf(output: string): Record<string, unknown> {
  return (output.trim() === '' ? {} : JSON.parse(output)) as Record<string, unknown>;
}
