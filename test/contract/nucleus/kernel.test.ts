import assert from 'node:assert/strict';
import type { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { MESSAGE_TYPE } from '../../../src/ipc/frames/mod.js';
import { json, RawIpcClient } from '../../lib/raw-ipc-client.js';
import { ALLOW_ALL, connectClient, Inbox } from '../../lib/ipc-harness.js';
import { BOTH, NucleusBench, TestStore } from '../../lib/nucleus.js';
import { until } from '../../lib/until.js';

const A = 'com.example.A';
const SERVE = { lifecycle: { run: 'exec sleep 300' } };
type Client = greengrasscoreipc.Client;

async function connectAs(bench: NucleusBench, name: string, configuration = ALLOW_ALL): Promise<Client> {
  const { environment } = bench.nucleus.registerExternal(name, configuration);
  return connectClient(
    environment['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT'] ?? '',
    environment['SVCUID'] ?? '',
  );
}

async function credentialsFor(
  environment: Readonly<Record<string, string>>,
  token = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'] ?? '',
): Promise<{ status: number; body: string }> {
  const url = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
  const response = await fetch(url, { headers: { authorization: token } });
  return { status: response.status, body: await response.text() };
}

for (const profile of BOTH) {
  describe(`the nucleus's kernel on ${profile}`, () => {
    it('gives a component its configuration over IPC, keeps what it writes, and tells who listens', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', { ...SERVE, configuration: { a: 'default', nested: { b: 'b', c: 'c' } } });
      await bench.mustDeploy({ [A]: '1.0.0' });
      const client = await connectAs(bench, 'com.example.Reader');
      const got = await client.getConfiguration({ componentName: A, keyPath: ['nested'] });
      assert.deepEqual(got.value, { b: 'b', c: 'c' });
      const changes = new Inbox<string>();
      const stream = client.subscribeToConfigurationUpdate({ componentName: A, keyPath: [] });
      stream.on('message', ({ configurationUpdateEvent }) => {
        changes.push((configurationUpdateEvent?.keyPath ?? []).join('/'));
      });
      await stream.activate();
      const merge = { nested: { b: 'x', c: 'y' } };
      await bench.mustDeploy({ [A]: { componentVersion: '1.0.0', configurationUpdate: { merge } } });
      assert.deepEqual(await changes.until(2), ['nested/b', 'nested/c']);
      await client.close();
    });

    it('keeps over a restart what a component wrote', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', { lifecycle: { run: 'echo $SVCUID; exec sleep 300' } });
      await bench.mustDeploy({ [A]: '1.0.0' });
      const svcuid = (await bench.untilLog(A, '\n')).trim();
      const client = await connectClient(bench.nucleus.socketPath, svcuid);
      await client.updateConfiguration({ keyPath: [], timestamp: new Date(), valueToMerge: { mine: 'yes' } });
      await client.close();
      await bench.close();
      await bench.open();
      assert.equal(bench.configurationOf(A)?.['mine'], 'yes');
    });

    it('keeps an external component through deployments, and what is written while one waits', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', { lifecycle: { startup: 'sleep 0.5' } });
      const client = await connectAs(bench, 'com.example.App', { ...ALLOW_ALL, a: 'a' });
      const deployed = bench.mustDeploy({ [A]: '1.0.0' });
      await client.updateConfiguration({ keyPath: [], timestamp: new Date(), valueToMerge: { mine: 'yes' } });
      await deployed;
      await bench.mustDeploy({});
      const { value } = await client.getConfiguration({ keyPath: [] });
      assert.equal(value?.['mine'], 'yes');
      assert.equal(value?.['a'], 'a');
      await client.close();
    });

    it('lets a component report that it failed', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', { lifecycle: { run: 'echo $SVCUID; exec sleep 300' } });
      await bench.mustDeploy({ [A]: '1.0.0' });
      const svcuid = (await bench.untilLog(A, '\n')).trim();
      const client = await connectClient(bench.nucleus.socketPath, svcuid);
      await client.updateState({ state: 'ERRORED' as greengrasscoreipc.model.ReportedLifecycleState });
      await until(() => bench.pathOf(A).includes('ERRORED'), 'the component is ERRORED');
      await bench.untilState(A, 'RUNNING');
      await client.close();
    });

    it('closes and reopens the socket, under the same path; lite has forgotten all SVCUIDs', async () => {
      await using bench = await NucleusBench.start(profile);
      const { environment } = bench.nucleus.registerExternal('com.example.App', ALLOW_ALL);
      const client = await connectClient(bench.nucleus.socketPath, environment['SVCUID'] ?? '');
      const disconnected = new Inbox<string>();
      client.on('disconnection', () => disconnected.push('gone'));
      await bench.nucleus.restartIpc();
      await disconnected.until(1);
      const known = environment['SVCUID'] ?? '';
      if (profile === 'lite') await assert.rejects(connectClient(bench.nucleus.socketPath, known));
      const svcuid =
        profile === 'lite' ? await svcuidByName(bench.nucleus.socketPath, 'com.example.App') : known;
      const second = await connectClient(bench.nucleus.socketPath, svcuid ?? '');
      await second.publishToTopic({ topic: 'x', publishMessage: { binaryMessage: { message: 'x' } } });
      await second.close();
      await assert.rejects(connectClient(bench.nucleus.socketPath, 'wrong'));
    });

    it('lite gives an SVCUID to who connects by the name of a component, the Java nucleus refuses', async () => {
      await using bench = await NucleusBench.start(profile);
      const { environment } = bench.nucleus.registerExternal('com.example.App', ALLOW_ALL);
      const { socketPath } = bench.nucleus;
      assert.equal(
        await svcuidByName(socketPath, 'com.example.App'),
        profile === 'lite' ? environment['SVCUID'] : undefined,
      );
      assert.equal(await svcuidByName(socketPath, 'com.example.Unknown'), undefined);
    });

    it('hands out credentials to who has a token', async () => {
      const expiration = new Date('2030-01-01T00:00:00Z');
      await using bench = await NucleusBench.start(profile, {
        credentials: async () => ({
          accessKeyId: 'AK',
          secretAccessKey: 'SK',
          sessionToken: 'ST',
          expiration,
        }),
      });
      const { environment } = bench.nucleus.registerExternal('com.example.App', {});
      const { status, body } = await credentialsFor(environment);
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body), {
        AccessKeyId: 'AK',
        SecretAccessKey: 'SK',
        Token: 'ST',
        Expiration: '2030-01-01T00:00:00.000Z',
      });
    });

    it('tells the address of the token exchange as a core does', async () => {
      await using bench = await NucleusBench.start(profile);
      const run = 'echo "uri=$AWS_CONTAINER_CREDENTIALS_FULL_URI."; exec sleep 300';
      const on = (name: string) => ({
        [name]: { VersionRequirement: '>=1.0.0', DependencyType: 'SOFT' as const },
      });
      bench.store.add('com.example.None', '1.0.0', { lifecycle: { run } });
      bench.store.add('com.example.Direct', '1.0.0', {
        lifecycle: { run },
        dependencies: on('aws.greengrass.TokenExchangeService'),
      });
      bench.store.add('com.example.Through', '1.0.0', {
        lifecycle: { run },
        dependencies: on('com.example.Direct'),
      });
      await bench.mustDeploy({ 'com.example.None': '1.0.0', 'com.example.Through': '1.0.0' });
      const none = /uri=\.$/m;
      assert.match(await bench.untilLog('com.example.None', 'uri='), none);
      // The Java nucleus starts a SOFT dependency beside those that depend on it.
      const direct = profile === 'lite' ? /uri=http:\/\/localhost:\d+\/2016/ : none;
      assert.match(await bench.untilLog('com.example.Direct', 'uri='), direct);
      // Lite looks at the recipe's own dependencies only.
      assert.match(await bench.untilLog('com.example.Through', 'uri='), none);
    });
  });
}

describe('component updates on nucleus', () => {
  it('wait for a component that puts them off, and are told to it before and after', async () => {
    const store = new TestStore({ isLocal: false });
    await using bench = await NucleusBench.start('nucleus', { store });
    store.add(A, '1.0.0', SERVE);
    const client = await connectAs(bench, 'com.example.Listener');
    const events = new Inbox<string>();
    const stream = client.subscribeToComponentUpdates({});
    let asked = 0;
    stream.on('message', ({ preUpdateEvent, postUpdateEvent }) => {
      events.push(preUpdateEvent === undefined ? 'post' : 'pre');
      if (preUpdateEvent === undefined || postUpdateEvent !== undefined) return;
      asked++;
      assert.equal(bench.nucleus.components().length, 0);
      const recheckAfterMs = asked === 1 ? 400 : 0;
      void client.deferComponentUpdate({ deploymentId: preUpdateEvent.deploymentId ?? '', recheckAfterMs });
    });
    await stream.activate();
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.deepEqual(await events.until(3), ['pre', 'pre', 'post']);
    await client.close();
  });

  it('go on where nobody answers within the time of the policy', async () => {
    const store = new TestStore({ isLocal: false });
    await using bench = await NucleusBench.start('nucleus', { store });
    store.add(A, '1.0.0', SERVE);
    const client = await connectAs(bench, 'com.example.Silent');
    const stream = client.subscribeToComponentUpdates({});
    await stream.activate();
    const result = await bench.nucleus.deploy({
      deploymentId: 'd',
      components: { [A]: { componentVersion: '1.0.0' } },
      componentUpdatePolicy: { action: 'NOTIFY_COMPONENTS', timeoutInSeconds: 1 },
    });
    assert.equal(result.status, 'SUCCEEDED');
    await client.close();
  });

  for (const [what, isLocal, action] of [
    ['SKIP_NOTIFY_COMPONENTS', false, 'SKIP_NOTIFY_COMPONENTS'],
    ['any policy in a local deployment', true, 'NOTIFY_COMPONENTS'],
  ] as const) {
    it(`ask nobody under ${what}`, async () => {
      const store = new TestStore({ isLocal });
      await using bench = await NucleusBench.start('nucleus', { store });
      store.add(A, '1.0.0', SERVE);
      const client = await connectAs(bench, 'com.example.Silent');
      const events = new Inbox<string>();
      const stream = client.subscribeToComponentUpdates({});
      stream.on('message', () => events.push('event'));
      await stream.activate();
      await bench.nucleus.deploy({
        deploymentId: 'd',
        components: { [A]: { componentVersion: '1.0.0' } },
        componentUpdatePolicy: { action },
      });
      assert.deepEqual(events.received, []);
      await client.close();
    });
  }
});

/** The SVCUID in the answer to a first connect by name; undefined where it is refused. */
async function svcuidByName(socketPath: string, componentName: string): Promise<string | undefined> {
  const client = await RawIpcClient.open(socketPath);
  client.send({
    type: MESSAGE_TYPE.connect,
    flags: 0,
    streamId: 0,
    version: '0.1.0',
    payload: json({ componentName }),
  });
  await Promise.race([client.frames.until(1), client.ended]);
  client.socket.destroy();
  return client.frames.received[0]?.svcuid;
}
