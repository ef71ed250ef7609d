import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { IoT } from '@aws-sdk/client-iot';
import { IoTDataPlane } from '@aws-sdk/client-iot-data-plane';
import { ADMINISTRATOR, startLocalCloud, type LocalCloud } from '../../../src/local/cloud/mod.js';
import { until } from '../../lib/until.js';

function recipe(version: string, artifacts: readonly string[] = []): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: 'com.example.app',
      ComponentVersion: version,
      Manifests: [
        {
          Platform: { os: '*' },
          Lifecycle: { run: 'true' },
          Artifacts: artifacts.map((Uri) => ({ Uri })),
        },
      ],
    }),
  );
}

describe('the local cloud has the defaults and rules of AWS', () => {
  let folder: string;
  let cloud: LocalCloud;
  let greengrass: GreengrassV2;
  let iot: IoT;
  let data: IoTDataPlane;
  let group: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'defaults-'));
    cloud = await startLocalCloud({ folder, componentDelayMs: 0, buckets: ['artifacts'] });
    cloud.attachPolicy(ADMINISTRATOR);
    const { region, endpoint, credentials } = cloud;
    greengrass = new GreengrassV2({ region, endpoint, credentials, maxAttempts: 1 });
    iot = new IoT({ region, endpoint, credentials, maxAttempts: 1 });
    data = new IoTDataPlane({ region, endpoint, credentials, maxAttempts: 1 });
    group = (await iot.createThingGroup({ thingGroupName: 'ovens' })).thingGroupArn ?? '';
    await greengrass.createComponentVersion({ inlineRecipe: recipe('1.0.0') });
    await until(
      async () => (await cloud.store.versions('com.example.app')).includes('1.0.0'),
      'it is deployable',
    );
  });

  afterEach(async () => {
    for (const client of [greengrass, iot, data]) client.destroy();
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('answers a repeated client token with the same answer, for component versions too', async () => {
    const request = { inlineRecipe: recipe('2.0.0'), clientToken: 'once' };
    const first = await greengrass.createComponentVersion(request);
    assert.deepEqual((await greengrass.createComponentVersion(request)).arn, first.arn);
    await assert.rejects(greengrass.createComponentVersion({ inlineRecipe: recipe('2.0.0') }), {
      name: 'ConflictException',
    });
    const other = { inlineRecipe: recipe('3.0.0'), clientToken: 'once' };
    assert.equal((await greengrass.createComponentVersion(other)).arn, first.arn);
    assert.deepEqual((await cloud.store.versions('com.example.app')).includes('3.0.0'), false);
  });

  it('lists the latest deployments of targets unless it is asked for all', async () => {
    for (let turn = 0; turn < 3; turn++) await greengrass.createDeployment({ targetArn: group });
    const count = async (historyFilter?: 'ALL' | 'LATEST_ONLY'): Promise<number | undefined> =>
      (await greengrass.listDeployments({ targetArn: group, historyFilter })).deployments?.length;
    assert.deepEqual([await count(), await count('LATEST_ONLY'), await count('ALL')], [1, 1, 3]);
  });

  it('refuses what no deployment can be: policy, merge, pointer, and targets elsewhere', async () => {
    const component = (configurationUpdate: object) => ({
      targetArn: group,
      components: { 'com.example.app': { componentVersion: '1.0.0', configurationUpdate } },
    });
    const refused = [
      { targetArn: group, deploymentPolicies: { failureHandlingPolicy: 'NOPE' as never } },
      component({ merge: '{' }),
      component({ merge: '[1]' }),
      component({ reset: ['no-pointer'] }),
      { targetArn: group.replace(cloud.accountId, '210987654321') },
      { targetArn: group.replace('us-east-1', 'eu-west-1') },
      { targetArn: group.replace('arn:aws:', 'arn:aws-cn:') },
    ];
    for (const request of refused) {
      await assert.rejects(
        greengrass.createDeployment(request),
        { name: 'ValidationException' },
        JSON.stringify(request),
      );
    }
    assert.equal((await greengrass.listDeployments({ targetArn: group })).deployments?.length, 0);
  });

  it('reads artifacts before it takes a component: one that is not there, or may not be read, is no component', async () => {
    const missing = { inlineRecipe: recipe('2.0.0', ['s3://artifacts/com.example.app/missing']) };
    await assert.rejects(greengrass.createComponentVersion(missing), {
      name: 'ValidationException',
      message: /Specified artifact resource cannot be accessed/,
    });
    assert.deepEqual(await cloud.store.versions('com.example.app'), ['1.0.0']);
  });

  it('deletes deployments that are over, and thing groups without children', async () => {
    const { deploymentId } = await greengrass.createDeployment({ targetArn: group });
    await iot.createThing({ thingName: 'oven-1' });
    await iot.addThingToThingGroup({ thingGroupName: 'ovens', thingName: 'oven-1' });
    const second = await greengrass.createDeployment({ targetArn: group });
    await assert.rejects(greengrass.deleteDeployment({ deploymentId: second.deploymentId }), {
      name: 'ConflictException',
    });
    await greengrass.deleteDeployment({ deploymentId });
    await assert.rejects(greengrass.getDeployment({ deploymentId }), { name: 'ResourceNotFoundException' });
    await iot.createThingGroup({ thingGroupName: 'small', parentGroupName: 'ovens' });
    await assert.rejects(iot.deleteThingGroup({ thingGroupName: 'ovens' }), {
      name: 'InvalidRequestException',
    });
    await iot.deleteThingGroup({ thingGroupName: 'small' });
    await iot.deleteThingGroup({ thingGroupName: 'ovens' });
    await iot.deleteThingGroup({ thingGroupName: 'ovens' });
    assert.deepEqual((await iot.listThingGroupsForThing({ thingName: 'oven-1' })).thingGroups, []);
  });

  it('lists things by attribute, jobs by group, and refuses a version that is not the current one', async () => {
    await iot.createThing({ thingName: 'oven-1', attributePayload: { attributes: { hall: '3' } } });
    await iot.createThing({ thingName: 'oven-2' });
    const found = await iot.listThings({ attributeName: 'hall', attributeValue: '3' });
    assert.deepEqual(
      found.things?.map(({ thingName }) => thingName),
      ['oven-1'],
    );
    assert.equal((await iot.listThings({ maxResults: 1 })).things?.length, 1);
    const { iotJobId } = await greengrass.createDeployment({ targetArn: group });
    const { jobs } = await iot.listJobs({ thingGroupName: 'ovens', status: 'IN_PROGRESS' });
    assert.deepEqual(
      jobs?.map(({ jobId }) => jobId),
      [iotJobId],
    );
    assert.deepEqual((await iot.listJobs({ thingGroupName: 'grills' })).jobs, []);
    await assert.rejects(iot.updateThing({ thingName: 'oven-1', expectedVersion: 7 }), {
      name: 'VersionConflictException',
    });
  });

  it('tells where the data plane is, what runs on a core, and forgets shadows', async () => {
    const { endpointAddress } = await iot.describeEndpoint({ endpointType: 'iot:Data-ATS' });
    assert.equal(endpointAddress, new URL(cloud.endpoint).host);
    await assert.rejects(iot.describeEndpoint({ endpointType: 'iot:Nothing' }), {
      name: 'InvalidRequestException',
    });
    await iot.createThing({ thingName: 'oven-1' });
    await assert.rejects(greengrass.listInstalledComponents({ coreDeviceThingName: 'oven-1' }), {
      name: 'ResourceNotFoundException',
    });
    cloud.attach('oven-1', {
      installed: () => [{ name: 'com.example.app', version: '1.0.0', state: 'RUNNING', isRoot: true }],
      deploy: () => Promise.reject(new Error('nothing is deployed here')),
    });
    const { installedComponents } = await greengrass.listInstalledComponents({
      coreDeviceThingName: 'oven-1',
    });
    assert.deepEqual(installedComponents?.[0]?.componentName, 'com.example.app');
    const shadow = { thingName: 'oven-1', shadowName: 'edge-manager' };
    await data.updateThingShadow({ ...shadow, payload: Buffer.from('{"state":{"reported":{"a":1}}}') });
    await data.updateThingShadow({
      thingName: 'oven-1',
      payload: Buffer.from('{"state":{"reported":{"b":1}}}'),
    });
    assert.deepEqual((await data.listNamedShadowsForThing({ thingName: 'oven-1' })).results, [
      'edge-manager',
    ]);
    await data.deleteThingShadow(shadow);
    await assert.rejects(data.getThingShadow(shadow), { name: 'ResourceNotFoundException' });
    assert.deepEqual((await data.listNamedShadowsForThing({ thingName: 'oven-1' })).results, []);
  });
});
