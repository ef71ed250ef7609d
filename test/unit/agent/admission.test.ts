import { strict as assert } from 'node:assert';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { heartbeatTopic, type HeartbeatReport } from '../../../src/contract/mod.js';
import { deferred, EdgeError } from '../../../src/core/mod.js';
import { describeModel, predict, quick } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

describe('admission', () => {
  it('serves a package, and answers at once for the same digest', async () => {
    await using twins = await AgentTwins.create();
    const folder = await twins.package('1.0.0');
    assert.equal((await twins.register(folder)).verdict, 'ADMITTED');
    const loads = twins.hosts.loaded.length;
    assert.equal((await twins.register(folder)).verdict, 'ALREADY_ADMITTED');
    assert.equal(twins.hosts.loaded.length, loads);
    assert.equal((await predict(twins)).version, '1.0.0');
  });

  it('leaves the old version where the new one is refused: reason in the reply, in describe, in an event', async () => {
    await using twins = await AgentTwins.create({
      script: ({ key }) => ({
        load: () => {
          if (key.endsWith('2.0.0'))
            throw new EdgeError('FAILED_PRECONDITION', 'Cannot admit: sample first differs');
          return {};
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    await assert.rejects(twins.register(await twins.package('2.0.0')), { code: 'FAILED_PRECONDITION' });
    assert.equal((await predict(twins)).version, '1.0.0');
    const failed = await describeModel(twins, '2.0.0');
    assert.deepEqual([failed.state, failed.reason], ['FAILED', 'Cannot admit: sample first differs']);
    assert.equal((await twins.event('REFUSED')).version, '2.0.0');
    assert.deepEqual(
      (await twins.dependencies.packages.list()).map(({ version }) => version),
      ['1.0.0'],
    );
  });

  it('quarantines a package that killed its host twice, and does not try it a third time', async () => {
    let loads = 0;
    await using twins = await AgentTwins.create({
      script: () => ({
        load: () => {
          loads++;
          throw new EdgeError('MODEL_HOST_DIED', 'Model host ended with signal SIGSEGV');
        },
      }),
    });
    const folder = await twins.package('1.0.0');
    await assert.rejects(twins.register(folder), { code: 'FAILED_PRECONDITION' });
    assert.equal(loads, 2);
    assert.equal((await describeModel(twins)).state, 'QUARANTINED');
    await twins.stop();
    await twins.start();
    await assert.rejects(twins.register(folder), { code: 'FAILED_PRECONDITION' });
    assert.equal(loads, 2);
  });

  it('refuses an older version that was never here, and takes back one that was', async () => {
    await using twins = await AgentTwins.create({ configuration: quick });
    const first = await twins.package('1.0.0');
    await twins.register(first);
    await twins.register(await twins.package('2.0.0'));
    await assert.rejects(twins.register(await twins.package('1.5.0')), {
      code: 'FAILED_PRECONDITION',
      field: 'version',
    });
    assert.equal((await twins.register(first)).verdict, 'ADMITTED');
    assert.equal((await predict(twins)).version, '1.0.0');
  });

  it('answers two requests for one package by one admission', async () => {
    const gate = deferred<undefined>();
    let loads = 0;
    await using twins = await AgentTwins.create({
      script: () => ({
        load: async () => {
          loads++;
          await gate.promise;
          return {};
        },
      }),
    });
    const folder = await twins.package('1.0.0');
    const both = [twins.register(folder), twins.register(folder)];
    await until(() => loads === 1, 'the load begins');
    gate.resolve(undefined);
    assert.deepEqual(
      (await Promise.all(both)).map(({ verdict }) => verdict),
      ['ADMITTED', 'ADMITTED'],
    );
    assert.equal(loads, 1);
  });
});

describe('packages', () => {
  it('of one model stay while another is admitted and old ones are deleted', async () => {
    await using twins = await AgentTwins.create({ configuration: quick });
    const names = ['one', 'two', 'three'];
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
      const registered = names.map(
        async (name) => await twins.register(await twins.package(version, name), name),
      );
      for (const { verdict } of await Promise.all(registered)) assert.equal(verdict, 'ADMITTED');
    }
    await twins.agent.manager.settled();
    await twins.agent.sweep();
    const kept = (await twins.dependencies.packages.list()).map(
      ({ model, version }) => `${model} ${version}`,
    );
    for (const name of names)
      assert.ok(kept.includes(`${name} 3.0.0`) && kept.includes(`${name} 2.0.0`), kept.join());
    assert.equal(kept.length, 6);
  });

  it('over the quota are served from their artifact folder', async () => {
    await using twins = await AgentTwins.create({ configuration: { packageQuotaMb: 1 } });
    const folder = await twins.package('1.0.0');
    const big = await twins.package('1.0.0', 'Big', { paddingBytes: 2_000_000 });
    await twins.register(folder);
    assert.equal((await twins.register(big, 'Big')).verdict, 'ADMITTED');
    assert.deepEqual(
      (await twins.dependencies.packages.list()).map(({ model }) => model),
      ['Model'],
    );
  });

  it('with weights beside the model wait for room for a copy, and the former version serves on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edge-room-'));
    let large = '';
    {
      await using small = await AgentTwins.create({ folder, configuration: { packageQuotaMb: 1 } });
      await small.register(await small.package('1.0.0'));
      large = await small.package('2.0.0', 'Model', { weightsBytes: 2_000_000 });
      await assert.rejects(small.register(large), { code: 'RESOURCE_EXHAUSTED', reason: 'PACKAGE_QUOTA' });
      assert.equal((await predict(small)).version, '1.0.0');
    }
    await using roomy = await AgentTwins.create({ folder });
    assert.equal((await roomy.register(large)).verdict, 'ADMITTED');
    assert.equal((await predict(roomy)).version, '2.0.0');
    await roomy.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
  });

  it('with a link in them are refused', async () => {
    await using twins = await AgentTwins.create();
    const folder = await twins.package('1.0.0');
    await rm(join(folder, 'model.onnx'));
    await symlink('/etc/hostname', join(folder, 'model.onnx'));
    await assert.rejects(twins.register(folder), { code: 'FAILED_PRECONDITION' });
    assert.equal((await describeModel(twins)).state, 'FAILED');
  });
});

describe('the heartbeat', () => {
  const reported = (twins: AgentTwins): HeartbeatReport | undefined => {
    const last = twins.greengrass.iotCore.at(-1);
    if (last === undefined) return undefined;
    assert.equal(last.topic, heartbeatTopic('thing-1'));
    const update = JSON.parse(new TextDecoder().decode(last.payload)) as {
      state: { reported: HeartbeatReport };
    };
    return update.state.reported;
  };

  it('tells for how many seconds the agent has been deaf', async () => {
    await using twins = await AgentTwins.create();
    twins.greengrass.deafSeconds = 75;
    await twins.register(await twins.package('1.0.0'));
    await until(() => reported(twins)?.deafSeconds === 75, 'it reports them');
  });

  it('tells what serves, what was refused and why, and that it is not what was deployed', async () => {
    await using twins = await AgentTwins.create({
      configuration: { fleet: 'cameras' },
      script: ({ key }) => ({
        load: () => {
          if (key.endsWith('2.0.0'))
            throw new EdgeError('FAILED_PRECONDITION', 'Cannot admit: sample differs');
          return {};
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    await assert.rejects(twins.register(await twins.package('2.0.0')));
    await until(
      () => reported(twins)?.lastError !== undefined && reported(twins)?.lastError !== null,
      'it reports',
    );
    const report = reported(twins);
    assert.equal(report?.fleet, 'cameras');
    assert.deepEqual(report?.lastError?.code, 'REFUSED');
    const serving = report?.models.find(({ version }) => version === '1.0.0');
    assert.deepEqual([serving?.state, serving?.drifted], ['SERVING', true]);
  });
});
