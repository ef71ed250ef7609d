import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  DescribeComponentCommand,
  GetDeploymentCommand,
  GreengrassV2Client,
  ListComponentVersionsCommand,
  ListDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import {
  AddThingToThingGroupCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DescribeJobCommand,
  DescribeJobExecutionCommand,
  GetBucketsAggregationCommand,
  IoTClient,
  ListThingsInThingGroupCommand,
  SearchIndexCommand,
  UpdateIndexingConfigurationCommand,
} from '@aws-sdk/client-iot';
import { GetThingShadowCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import {
  ADMINISTRATOR,
  startLocalCloud,
  type Device,
  type LocalCloud,
} from '../../../src/local/cloud/mod.js';
import { withBody } from '../../lib/raw-aws.js';
import type { DeploymentDocument } from '../../../src/local/nucleus/mod.js';

const recipe = (name: string, version: string): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: name,
      ComponentVersion: version,
      Manifests: [{ Platform: { os: '*' }, Lifecycle: { run: 'true' } }],
    }),
  );

function device(
  seen: DeploymentDocument[],
  fails: (document: DeploymentDocument) => boolean = () => false,
): Device {
  return {
    deploy: (document) => {
      seen.push(document);
      const failed = fails(document);
      return Promise.resolve({
        deploymentId: document.deploymentId,
        status: failed ? 'FAILED' : 'SUCCEEDED',
        detailedStatus: failed ? 'FAILED_ROLLBACK_COMPLETE' : 'SUCCESSFUL',
        reason: failed ? 'com.example.app broke' : '',
      });
    },
  };
}

describe('local cloud', () => {
  let folder: string;
  let cloud: LocalCloud;
  let greengrass: GreengrassV2Client;
  let iot: IoTClient;
  let data: IoTDataPlaneClient;
  let group = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cloud-'));
    cloud = await startLocalCloud({ folder, componentDelayMs: 5 });
    cloud.attachPolicy(ADMINISTRATOR);
    const config = { region: cloud.region, endpoint: cloud.endpoint, credentials: cloud.credentials };
    greengrass = new GreengrassV2Client(config);
    iot = new IoTClient(config);
    data = new IoTDataPlaneClient(config);
    const made = await iot.send(new CreateThingGroupCommand({ thingGroupName: 'ovens' }));
    group = made.thingGroupArn ?? '';
    for (const thingName of ['oven-1', 'oven-2', 'oven-3']) {
      await iot.send(new CreateThingCommand({ thingName }));
      await iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName: 'ovens' }));
    }
    for (const version of ['1.0.0', '2.0.0']) {
      const { arn } = await greengrass.send(
        new CreateComponentVersionCommand({ inlineRecipe: recipe('com.example.app', version) }),
      );
      await until(async () => {
        const described = await greengrass.send(new DescribeComponentCommand({ arn }));
        return described.status?.componentState === 'DEPLOYABLE';
      });
    }
  });

  after(async () => {
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('refuses a version that exists with 409, and a recipe that is none', async () => {
    const again = new CreateComponentVersionCommand({ inlineRecipe: recipe('com.example.app', '1.0.0') });
    await assert.rejects(greengrass.send(again), { name: 'ConflictException' });
    const broken = new CreateComponentVersionCommand({ inlineRecipe: Buffer.from('{}') });
    await assert.rejects(greengrass.send(broken), { name: 'ValidationException' });
  });

  it('refuses a field that the service model lacks, a missing one and a wrong type', async () => {
    for (const body of [
      {},
      { targetArn: group, target: 1 },
      { targetArn: 5 },
      { targetArn: group, components: { a: {} } },
    ]) {
      const { region, endpoint, credentials } = cloud;
      const client = new GreengrassV2Client({ region, endpoint, credentials, maxAttempts: 1 });
      withBody(client, JSON.stringify(body));
      await assert.rejects(client.send(new CreateDeploymentCommand({ targetArn: group })), {
        name: 'ValidationException',
      });
      client.destroy();
    }
  });

  it("says who asks, in STS's own protocol, and refuses any other form", async () => {
    const { region, endpoint, credentials } = cloud;
    const sts = new STSClient({ region, endpoint, credentials });
    const identity = await sts.send(new GetCallerIdentityCommand({}));
    assert.equal(identity.Account, '123456789012');
    assert.match(identity.Arn ?? '', /^arn:aws:iam::123456789012:/);
    sts.destroy();
    const post = async (body: string): Promise<string> => {
      const other = new STSClient({ region, endpoint, credentials, maxAttempts: 1 });
      withBody(other, body);
      const error = await other.send(new GetCallerIdentityCommand({})).catch((thrown: unknown) => thrown);
      other.destroy();
      return error instanceof Error ? error.name : '';
    };
    assert.equal(await post('Action=AssumeRole&Version=2011-06-15'), 'InvalidAction');
    assert.equal(await post('Action=GetCallerIdentity&Version=2010-01-01'), 'InvalidAction');
    assert.equal(await post('Action=GetCallerIdentity&Version=2011-06-15&Who=me'), 'ValidationError');
  });

  it('lists the versions of a component highest first, and none of an unknown one', async () => {
    const list = async (name: string): Promise<string[]> => {
      const arn = `arn:aws:greengrass:us-east-1:123456789012:components:${name}`;
      const { componentVersions = [] } = await greengrass.send(new ListComponentVersionsCommand({ arn }));
      return componentVersions.map((one) => one.componentVersion ?? '');
    };
    assert.deepEqual(await list('com.example.app'), ['2.0.0', '1.0.0']);
    assert.deepEqual(await list('com.example.unknown'), []);
  });

  it('pages lists with a token', async () => {
    const first = await iot.send(
      new ListThingsInThingGroupCommand({ thingGroupName: 'ovens', maxResults: 2 }),
    );
    assert.equal(first.things?.length, 2);
    const rest = await iot.send(
      new ListThingsInThingGroupCommand({
        thingGroupName: 'ovens',
        maxResults: 2,
        nextToken: first.nextToken,
      }),
    );
    assert.deepEqual(rest.things, ['oven-3']);
    assert.equal(rest.nextToken, undefined);
  });

  it('hands a deployment to attached devices only, and counts states as a job does', async () => {
    const seen: DeploymentDocument[] = [];
    const detach = [
      cloud.attach('oven-1', device(seen)),
      cloud.attach(
        'oven-2',
        device(seen, () => true),
      ),
    ];
    const made = await greengrass.send(
      new CreateDeploymentCommand({
        targetArn: group,
        components: {
          'com.example.app': { componentVersion: '1.0.0', configurationUpdate: { merge: '{"a":1}' } },
        },
      }),
    );
    await until(async () => {
      const { job } = await iot.send(new DescribeJobCommand({ jobId: made.iotJobId }));
      const counts = job?.jobProcessDetails;
      return (
        counts?.numberOfSucceededThings === 1 &&
        counts.numberOfFailedThings === 1 &&
        counts.numberOfQueuedThings === 1
      );
    });
    assert.deepEqual(seen[0]?.components['com.example.app']?.configurationUpdate?.merge, { a: 1 });
    const failed = await iot.send(
      new DescribeJobExecutionCommand({ jobId: made.iotJobId, thingName: 'oven-2' }),
    );
    assert.equal(
      failed.execution?.statusDetails?.detailsMap?.['deployment-failure-cause'],
      'com.example.app broke',
    );
    detach.push(cloud.attach('oven-3', device(seen)));
    await until(async () => {
      const got = await greengrass.send(new GetDeploymentCommand({ deploymentId: made.deploymentId }));
      return got.deploymentStatus === 'COMPLETED';
    });
    for (const end of detach) end();
  });

  it('gives the devices of a subdeployment its set in place of the parent’s, also when they join later', async () => {
    const seen: DeploymentDocument[] = [];
    const detach = cloud.attach('oven-1', device(seen));
    const { thingGroupArn: canary } = await iot.send(
      new CreateThingGroupCommand({ thingGroupName: 'ovens-canary' }),
    );
    await greengrass.send(
      new CreateDeploymentCommand({
        targetArn: canary,
        parentTargetArn: group,
        components: { 'com.example.app': { componentVersion: '2.0.0' } },
      }),
    );
    await iot.send(new AddThingToThingGroupCommand({ thingGroupName: 'ovens-canary', thingName: 'oven-1' }));
    await until(() => Promise.resolve(seen.length === 1));
    assert.equal(seen[0]?.components['com.example.app']?.componentVersion, '2.0.0');
    await assert.rejects(greengrass.send(new CreateDeploymentCommand({ targetArn: canary })), {
      name: 'ValidationException',
    });
    detach();
  });

  it('answers a repeated client token with the same deployment', async () => {
    const command = (): CreateDeploymentCommand =>
      new CreateDeploymentCommand({ targetArn: group, clientToken: 'once', components: {} });
    const first = await greengrass.send(command());
    const second = await greengrass.send(command());
    assert.equal(first.deploymentId, second.deploymentId);
    const listed = await greengrass.send(
      new ListDeploymentsCommand({ targetArn: group, historyFilter: 'LATEST_ONLY' }),
    );
    assert.equal(listed.deployments?.length, 1);
  });

  it('cancels what is left once its abort criteria are met', async () => {
    const detach = cloud.attach(
      'oven-1',
      device([], () => true),
    );
    const made = await greengrass.send(
      new CreateDeploymentCommand({
        targetArn: group,
        components: { 'com.example.app': { componentVersion: '2.0.0' } },
        iotJobConfiguration: {
          abortConfig: {
            criteriaList: [
              { failureType: 'ALL', action: 'CANCEL', thresholdPercentage: 50, minNumberOfExecutedThings: 1 },
            ],
          },
        },
      }),
    );
    await until(async () => {
      const got = await greengrass.send(new GetDeploymentCommand({ deploymentId: made.deploymentId }));
      return got.deploymentStatus === 'CANCELED';
    });
    const { job } = await iot.send(new DescribeJobCommand({ jobId: made.iotJobId }));
    assert.equal(job?.jobProcessDetails?.numberOfCanceledThings, 2);
    detach();
  });

  it('keeps shadows from MQTT, searches them, and aggregates configured fields only', async () => {
    const core = cloud.iotCore('oven-2');
    const payload = Buffer.from(JSON.stringify({ state: { reported: { summary: 'mnist@5/SERVING' } } }));
    await core.publish('$aws/things/oven-2/shadow/name/edge-manager/update', payload);
    const { payload: shadow } = await data.send(
      new GetThingShadowCommand({ thingName: 'oven-2', shadowName: 'edge-manager' }),
    );
    assert.match(Buffer.from(shadow ?? new Uint8Array()).toString(), /mnist@5/);
    const field = 'shadow.name.edge-manager.reported.summary';
    const buckets = new GetBucketsAggregationCommand({
      queryString: 'thingGroupNames:ovens',
      aggregationField: field,
      bucketsAggregationType: { termsAggregation: { maxBuckets: 10 } },
    });
    await assert.rejects(iot.send(buckets), { name: 'IndexNotReadyException' });
    const thingIndexingConfiguration = {
      thingIndexingMode: 'REGISTRY_AND_SHADOW' as const,
      customFields: [{ name: field, type: 'String' as const }],
    };
    await iot.send(new UpdateIndexingConfigurationCommand({ thingIndexingConfiguration }));
    assert.deepEqual((await iot.send(buckets)).buckets, [{ keyValue: 'mnist@5/SERVING', count: 1 }]);
    const found = await iot.send(
      new SearchIndexCommand({
        queryString: `thingGroupNames:ovens AND NOT connectivity.connected:true AND ${field}:mnist*`,
      }),
    );
    assert.deepEqual(
      found.things?.map((thing) => thing.thingName),
      ['oven-2'],
    );
  });

  it('throttles on demand, and the client tries again', async () => {
    cloud.setHook(({ index }) => (index % 2 === 0 ? 'throttle' : undefined));
    const listed = await iot.send(new ListThingsInThingGroupCommand({ thingGroupName: 'ovens' }));
    assert.equal(listed.things?.length, 3);
    cloud.setHook(undefined);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('The condition did not come true within 4 s');
}
