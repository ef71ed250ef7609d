import assert from 'node:assert/strict';
import { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import type { JsonObject } from '../../../src/core/mod.js';
import { PROFILES } from '../../../src/local/nucleus/api/mod.js';
import { ALLOW_ALL, Inbox, publish, refusal, startIpcHarness, type Client } from '../../lib/ipc-harness.js';
import { RawIpcClient } from '../../lib/raw-ipc-client.js';

const { RUNNING } = greengrasscoreipc.model.ReportedLifecycleState;
const { AT_LEAST_ONCE } = greengrasscoreipc.model.QOS;
const SERVICE_ERROR = 8;

// The table "Which IPC operations exist" in the facts.
for (const profile of PROFILES) {
  describe(`IPC operations with the official client, ${profile}`, () => {
    it('UpdateConfiguration merges, with the timestamp in milliseconds, and can be read back', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', { limits: { high: 1 } });
      await client.updateConfiguration({
        keyPath: ['limits'],
        timestamp: new Date(),
        valueToMerge: { low: 2 },
      });
      assert.deepEqual((await client.getConfiguration({ keyPath: ['limits'] })).value, { high: 1, low: 2 });
      const old = client.updateConfiguration({
        keyPath: ['limits'],
        timestamp: new Date(999),
        valueToMerge: {},
      });
      assert.equal((await refusal(old)).type, SERVICE_ERROR);
    });

    it('UpdateConfiguration never touches accessControl', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', { a: 1 });
      const timestamp = new Date();
      await refusal(client.updateConfiguration({ timestamp, valueToMerge: { accessControl: {} } }));
      await refusal(
        client.updateConfiguration({ keyPath: ['accessControl', 'x'], timestamp, valueToMerge: {} }),
      );
      assert.deepEqual((await client.getConfiguration({ keyPath: [] })).value, { a: 1 });
    });

    it('SubscribeToConfigurationUpdate tells key paths until it is closed', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', { limits: { high: 1, low: 0 } });
      const stream = client.subscribeToConfigurationUpdate({ keyPath: ['limits'] });
      const inbox = new Inbox<unknown>();
      stream.on('message', ({ configurationUpdateEvent }) => inbox.push(configurationUpdateEvent));
      await stream.activate();
      const merged = { timestamp: new Date(), valueToMerge: { high: 2, low: 1 } };
      await client.updateConfiguration({ keyPath: ['limits'], ...merged });
      // Lite sends one event per changed leaf.
      const expected =
        profile === 'lite'
          ? [
              ['limits', 'high'],
              ['limits', 'low'],
            ]
          : [['limits']];
      assert.deepEqual(
        await inbox.until(expected.length),
        expected.map((keyPath) => ({ componentName: 'app', keyPath })),
      );
      await stream.close();
      await client.getConfiguration({ keyPath: [] });
      assert.equal(harness.kernel.configurationListeners, 0);
    });

    it('a key that does not exist is a ResourceNotFoundError and the connection stays', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', { a: 1 });
      const got = await refusal(client.getConfiguration({ keyPath: ['b'] }));
      assert.deepEqual(
        [got.type, got.message],
        [SERVICE_ERROR, profile === 'lite' ? undefined : 'Key not found'],
      );
      const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
      const subscribed = await raw.call('SubscribeToConfigurationUpdate', { keyPath: ['b'] });
      assert.equal(subscribed.shape, 'aws.greengrass#ResourceNotFoundError');
      raw.socket.destroy();
      assert.deepEqual((await client.getConfiguration({ keyPath: [] })).value, { a: 1 });
    });

    it('UpdateState reaches the kernel under the name of the caller', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app');
      await client.updateState({ state: RUNNING });
      assert.deepEqual(harness.kernel.states, [{ component: 'app', state: 'RUNNING' }]);
    });

    it('PublishToIoTCore and SubscribeToIoTCore carry bytes to and from the broker', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app');
      const inbox = new Inbox<string>();
      const stream = client.subscribeToIoTCore({ topicName: 'fleet/+/down', qos: AT_LEAST_ONCE });
      stream.on('message', ({ message }) => {
        inbox.push(`${message?.topicName} ${Buffer.from(message?.payload as Uint8Array).toString()}`);
      });
      await stream.activate();
      await client.publishToIoTCore({ topicName: 'fleet/d1/up', qos: AT_LEAST_ONCE, payload: 'up' });
      await harness.broker.publish('fleet/d1/down', Buffer.from('down'));
      assert.deepEqual(await inbox.until(1), ['fleet/d1/down down']);
      assert.deepEqual(
        harness.broker.log.map(({ topic, payload }) => `${topic} ${Buffer.from(payload).toString()}`),
        ['fleet/d1/up up', 'fleet/d1/down down'],
      );
    });

    it('ValidateAuthorizationToken is for the stream manager only', async () => {
      await using harness = await startIpcHarness(profile);
      const [manager, app] = await Promise.all([
        harness.connect('aws.greengrass.StreamManager'),
        harness.connect('app'),
      ]);
      assert.equal((await manager.validateAuthorizationToken({ token: 'app-token' })).isValid, true);
      assert.equal(
        (await refusal(manager.validateAuthorizationToken({ token: 'wrong' }))).type,
        SERVICE_ERROR,
      );
      assert.equal(
        (await refusal(app.validateAuthorizationToken({ token: 'app-token' }))).type,
        SERVICE_ERROR,
      );
    });

    it('accessControl: what no policy allows is an UnauthorizedError, and the connection stays', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect(
        'app',
        policies('aws.greengrass.ipc.pubsub', 'PublishToTopic', 'own/*'),
      );
      await publish(client, 'own/a/b', 'x');
      const { type, message } = await refusal(publish(client, 'other', 'x'));
      assert.equal(type, SERVICE_ERROR);
      if (profile === 'nucleus') assert.match(message ?? '', /^Principal app is not authorized to perform/);
      const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
      const subscribed = await raw.call('SubscribeToTopic', { topic: 'own/a' });
      assert.equal(subscribed.shape, 'aws.greengrass#UnauthorizedError');
      raw.socket.destroy();
      const toCloud = client.publishToIoTCore({ topicName: 'own/a', qos: AT_LEAST_ONCE, payload: '' });
      await refusal(toCloud);
      assert.deepEqual(harness.broker.log, []);
      await publish(client, 'own/a', 'x');
    });

    it('accessControl: none is needed to read and change the own configuration', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', {});
      await client.updateConfiguration({ timestamp: new Date(), valueToMerge: { a: 1 } });
      assert.deepEqual((await client.getConfiguration({ keyPath: [] })).value, { a: 1 });
    });

    it('accessControl: a change of the configuration counts from the next request on', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', {});
      await refusal(publish(client, 'a', 'x'));
      Object.assign(harness.kernel.findConfiguration('app', []) as JsonObject, ALLOW_ALL);
      await publish(client, 'a', 'x');
    });
  });
}

describe('IPC operations that only the nucleus has', () => {
  it('SubscribeToComponentUpdates and DeferComponentUpdate: events come, only listeners may defer', async () => {
    await using harness = await startIpcHarness('nucleus');
    const client = await harness.connect('app');
    await refusal(client.deferComponentUpdate({ deploymentId: 'd1' }));
    const inbox = new Inbox<unknown>();
    const stream = client.subscribeToComponentUpdates({});
    stream.on('message', (message) => inbox.push(message));
    await stream.activate();
    harness.kernel.announce({ kind: 'pre', deploymentId: 'd1', isGgcRestarting: false });
    harness.kernel.announce({ kind: 'post', deploymentId: 'd1' });
    assert.deepEqual(await inbox.until(2), [
      { preUpdateEvent: { deploymentId: 'd1', isGgcRestarting: false } },
      { postUpdateEvent: { deploymentId: 'd1' } },
    ]);
    await client.deferComponentUpdate({ deploymentId: 'd1', recheckAfterMs: 500 });
    await client.deferComponentUpdate({ deploymentId: 'd1' });
    assert.deepEqual(
      harness.kernel.deferrals.map(({ recheckAfterMs }) => recheckAfterMs),
      [500, 0],
    );
    await stream.close();
    await client.getConfiguration({ keyPath: [] });
    assert.equal(harness.kernel.announce({ kind: 'post', deploymentId: 'd1' }), 0);
  });

  it('GetComponentDetails and ListComponents: name, version, state and configuration', async () => {
    await using harness = await startIpcHarness('nucleus');
    const client = await harness.connect('app');
    harness.kernel.add('model', { threshold: 1 });
    const model = {
      componentName: 'model',
      version: '1.0.0',
      state: 'RUNNING',
      configuration: { threshold: 1 },
    };
    assert.deepEqual((await client.getComponentDetails({ componentName: 'model' })).componentDetails, model);
    assert.deepEqual((await client.listComponents({})).components?.[1], model);
    await refusal(client.getComponentDetails({ componentName: 'unknown' }));
    const stranger = await harness.connect('stranger', {});
    await refusal(stranger.listComponents({}));
  });

  it('PublishToIoTCore: 128 KiB at most', async () => {
    await using harness = await startIpcHarness('nucleus');
    const client = await harness.connect('app');
    const send = (sizeBytes: number): Promise<unknown> =>
      client.publishToIoTCore({ topicName: 'a', qos: AT_LEAST_ONCE, payload: Buffer.alloc(sizeBytes) });
    await send(128 * 1024);
    await refusal(send(128 * 1024 + 1));
    assert.equal(harness.broker.log.length, 1);
  });

  it('an operation without its component is a ServiceError that says so', async () => {
    await using harness = await startIpcHarness('nucleus');
    const client = await harness.connect('app');
    const { message } = await refusal(client.getSecretValue({ secretId: 's' }));
    assert.match(message ?? '', /GetSecretValue is not supported by Greengrass/);
    await client.getConfiguration({ keyPath: [] });
  });
});

describe('IPC operations that lite does not have', () => {
  const missing: Record<string, (client: Client) => Promise<unknown>> = {
    DeferComponentUpdate: (client) => client.deferComponentUpdate({ deploymentId: 'd' }),
    GetComponentDetails: (client) => client.getComponentDetails({ componentName: 'app' }),
    ListComponents: (client) => client.listComponents({}),
    ListLocalDeployments: (client) => client.listLocalDeployments({}),
    GetThingShadow: (client) => client.getThingShadow({ thingName: 't', shadowName: 's' }),
    GetSecretValue: (client) => client.getSecretValue({ secretId: 's' }),
    PauseComponent: (client) => client.pauseComponent({ componentName: 'app' }),
    PutComponentMetric: (client) => client.putComponentMetric({ metrics: [] }),
  };
  for (const [name, attempt] of Object.entries(missing)) {
    it(`${name}: ServiceError with an empty message, the connection stays up`, async () => {
      await using harness = await startIpcHarness('lite');
      const client = await harness.connect('app');
      const { type, message } = await refusal(attempt(client));
      assert.deepEqual([type, message ?? ''], [SERVICE_ERROR, '']);
      await client.getConfiguration({ keyPath: [] });
    });
  }

  for (const name of ['SubscribeToComponentUpdates', 'SubscribeToValidateConfigurationUpdates']) {
    it(`${name}: ServiceError with an empty message, the connection stays up`, async () => {
      await using harness = await startIpcHarness('lite');
      harness.kernel.add('app', ALLOW_ALL);
      const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
      const answer = await raw.call(name, {});
      assert.equal(answer.shape, 'aws.greengrass#ServiceError');
      assert.deepEqual(JSON.parse(Buffer.from(answer.payload).toString()), {
        _message: '',
        _errorCode: 'ServiceError',
      });
      assert.equal((await raw.call('GetConfiguration', {})).shape, 'aws.greengrass#GetConfigurationResponse');
      raw.socket.destroy();
    });
  }

  it('GetConfiguration of more than a packet holds: ServiceError with an empty message', async () => {
    await using harness = await startIpcHarness('lite');
    const client = await harness.connect('app', { text: 'x'.repeat(9900) });
    assert.equal((await refusal(client.getConfiguration({ keyPath: [] }))).message ?? '', '');
  });
});

function policies(service: string, operation: string, resource: string): JsonObject {
  const policy = { operations: [`aws.greengrass#${operation}`], resources: [resource] };
  return { accessControl: { [service]: { p1: policy } } };
}
