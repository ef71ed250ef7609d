import { strict as assert } from 'node:assert';
import { rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  heartbeatTopic,
  predictTopic,
  type HeartbeatReport,
  type ReplyOf,
} from '../../../src/contract/mod.js';
import { deferred, EdgeError } from '../../../src/core/mod.js';
import type { MemoryRun } from '../../../src/runtime/host/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

const input = { name: 'x', datatype: 'FP32' as const, shape: [1], data: [1] };
const quick = { probation: { durationSeconds: 0, requests: 5, minimumRequests: 5 } };

async function predict(twins: AgentTwins, body: object = {}, timeoutMs = 5000): Promise<ReplyOf<'predict'>> {
  return await twins.requester.request(
    'predict',
    { inputs: [input], ...body },
    { timeoutMs, topic: predictTopic('Model') },
  );
}

async function times(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let turn = 0; turn < count; turn++) await act();
}

const describeModel = async (twins: AgentTwins, version?: string): Promise<ReplyOf<'describe'>> =>
  await twins.requester.request(
    'describe',
    { name: 'Model', ...(version === undefined ? {} : { version }) },
    { timeoutMs: 5000 },
  );

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
          throw new EdgeError('UNAVAILABLE', 'Model host ended with signal SIGSEGV');
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
    await twins.agent.manager.packages.sweep();
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
    const big = await twins.package('1.0.0', 'Big', 2_000_000);
    await twins.register(folder);
    assert.equal((await twins.register(big, 'Big')).verdict, 'ADMITTED');
    assert.deepEqual(
      (await twins.dependencies.packages.list()).map(({ model }) => model),
      ['Model'],
    );
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

describe('a swap', () => {
  it('lets the old version finish its requests, and unloads it after probation', async () => {
    const gate = deferred<undefined>();
    await using twins = await AgentTwins.create({
      configuration: { ...quick, queue: { concurrency: 4 } },
      script: ({ key }) => ({
        run: async (): Promise<MemoryRun> => {
          if (key.endsWith('1.0.0')) await gate.promise;
          return {};
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    const old = predict(twins);
    await until(() => twins.agent.pending === 1, 'the request runs');
    await twins.register(await twins.package('2.0.0'));
    await times(6, async () => assert.equal((await predict(twins)).version, '2.0.0'));
    await twins.event('PROBATION_PASSED');
    assert.ok(twins.hosts.loaded.includes('Model@1.0.0'));
    gate.resolve(undefined);
    assert.equal((await old).version, '1.0.0');
    await until(() => !twins.hosts.loaded.includes('Model@1.0.0'), 'the old version goes');
  });

  for (const [what, run] of [
    ['errors', () => Promise.reject(new EdgeError('INTERNAL', 'broken'))],
    ['non-finite outputs', () => Promise.resolve({ nonFinite: true })],
    ['latency', () => Promise.resolve({ runMs: 500 })],
  ] as const) {
    it(`goes back by itself on ${what}, and stays there when the package registers again`, async () => {
      await using twins = await AgentTwins.create({
        configuration: { probation: { durationSeconds: 600, requests: 100, minimumRequests: 5 } },
        script: ({ key }) => ({ run: () => (key.endsWith('2.0.0') ? run() : Promise.resolve({ runMs: 1 })) }),
      });
      await twins.register(await twins.package('1.0.0'));
      await times(25, () => predict(twins));
      const second = await twins.package('2.0.0');
      await twins.register(second);
      await times(5, () => predict(twins).catch(() => undefined));
      const event = await twins.event('ROLLED_BACK');
      assert.deepEqual([event.version, event.from], ['1.0.0', '2.0.0']);
      assert.equal((await predict(twins)).version, '1.0.0');
      assert.equal((await describeModel(twins, '2.0.0')).state, 'ROLLED_BACK');
      const again = await twins.register(second);
      assert.equal(again.verdict, 'ADMITTED_WITH_WARNING');
      assert.equal((await predict(twins)).version, '1.0.0');
    });
  }
});

describe('a model host that dies', () => {
  it('costs its own request only, and is back for the next', async () => {
    let crash = true;
    await using twins = await AgentTwins.create({
      script: () => ({
        run: (): MemoryRun => {
          if (!crash) return {};
          crash = false;
          return 'crash';
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    await assert.rejects(predict(twins), { code: 'UNAVAILABLE' });
    assert.equal((await predict(twins)).version, '1.0.0');
    assert.equal((await twins.event('HOST_RESTARTED')).model, 'Model');
  });

  it('twice in the first runs of a version quarantines that version, and the former one serves', async () => {
    await using twins = await AgentTwins.create({
      script: ({ key }) => ({ run: (): MemoryRun => (key.endsWith('2.0.0') ? 'crash' : {}) }),
    });
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    await assert.rejects(predict(twins), { code: 'UNAVAILABLE' });
    await assert.rejects(predict(twins), { code: 'UNAVAILABLE' });
    await twins.event('QUARANTINED');
    await twins.event('ROLLED_BACK');
    assert.equal((await predict(twins)).version, '1.0.0');
    await assert.rejects(predict(twins, { version: '2.0.0' }), { code: 'FAILED_PRECONDITION' });
  });
});

describe('a restart', () => {
  it('serves what served before, with no Greengrass and no artifact folders', async () => {
    await using twins = await AgentTwins.create({ configuration: quick });
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    await twins.stop();
    await rm(join(twins.folder, 'artifacts'), { recursive: true });
    await twins.start();
    assert.equal((await predict(twins)).version, '2.0.0');
    assert.equal((await predict(twins, { label: 'previous' })).version, '1.0.0');
  });

  for (const [what, damage] of [
    ['cut short', (file: string) => truncate(file, 40)],
    ['of another form', (file: string) => writeFile(file, '{"formatVersion":1,"models":[]}')],
    ['gone', (file: string) => rm(file)],
  ] as const) {
    it(`serves from package copies where the registry is ${what}`, async () => {
      await using twins = await AgentTwins.create();
      await twins.register(await twins.package('1.0.0'));
      await twins.stop();
      await damage(join(twins.folder, 'work', 'registry.json'));
      await twins.start();
      assert.equal((await predict(twins)).version, '1.0.0');
    });
  }
});

describe('memory', () => {
  it('unloads the least recently used model for another, and brings it back on demand', async () => {
    await using twins = await AgentTwins.create({
      configuration: { memoryBudgetMb: 100 },
      script: () => ({ memoryBytes: () => 60_000_000 }),
    });
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('1.0.0', 'Other'), 'Other');
    await until(() => twins.hosts.loaded.length === 1, 'one of them goes');
    assert.deepEqual(twins.hosts.loaded, ['Other@1.0.0']);
    assert.equal((await predict(twins)).version, '1.0.0');
    await until(() => twins.hosts.loaded.length === 1, 'the other goes');
    assert.deepEqual(twins.hosts.loaded, ['Model@1.0.0']);
  });

  it('never unloads a pinned model', async () => {
    await using twins = await AgentTwins.create({
      configuration: { memoryBudgetMb: 100 },
      script: () => ({ memoryBytes: () => 60_000_000 }),
    });
    await twins.register(await twins.package('1.0.0'));
    await twins.requester.request('load', { name: 'Model', pinned: true }, { timeoutMs: 5000 });
    await twins.register(await twins.package('1.0.0', 'Other'), 'Other');
    await until(() => twins.hosts.loaded.length === 1, 'one of them goes');
    assert.deepEqual(twins.hosts.loaded, ['Model@1.0.0']);
  });
});

describe("Edge Manager's verbs", () => {
  const load = (twins: AgentTwins, body: object) =>
    twins.requester.request('load', { name: 'alias', ...body }, { timeoutMs: 5000 });

  it('load a folder under a name of the app, with its status codes', async () => {
    await using twins = await AgentTwins.create();
    const path = await twins.package('1.0.0');
    await assert.rejects(load(twins, { path: '/nothing/here' }), { code: 'NOT_FOUND' });
    await assert.rejects(load(twins, { name: 'with_underscore', path }), { code: 'INVALID_ARGUMENT' });
    assert.equal((await load(twins, { path })).state, 'SERVING');
    await assert.rejects(load(twins, { path }), { code: 'ALREADY_EXISTS' });
    const request = { inputs: [input] };
    const options = { timeoutMs: 5000, topic: predictTopic('alias') };
    assert.equal((await twins.requester.request('predict', request, options)).model, 'alias');
    await twins.requester.request('unload', { name: 'alias' }, { timeoutMs: 5000 });
    await assert.rejects(twins.requester.request('predict', request, options), { code: 'NOT_FOUND' });
    await assert.rejects(twins.requester.request('unload', { name: 'alias' }, { timeoutMs: 5000 }), {
      code: 'NOT_FOUND',
    });
    assert.equal((await load(twins, { path })).state, 'SERVING');
  });

  it('take captures, refuse a taken id and the future, and tell their state', async () => {
    await using twins = await AgentTwins.create();
    await twins.register(await twins.package('1.0.0'));
    const submit = (body: object) =>
      twins.requester.request(
        'capture',
        { modelName: 'Model', captureId: 'capture1', inputTensors: [input], ...body },
        { timeoutMs: 5000 },
      );
    const future = { seconds: Math.floor(Date.now() / 1000) + 60 };
    await assert.rejects(submit({ inferenceTimestamp: future }), { code: 'OUT_OF_RANGE' });
    await assert.rejects(submit({ modelName: 'unknown' }), { code: 'NOT_FOUND' });
    assert.equal((await submit({})).mode, 'durable');
    await assert.rejects(submit({}), { code: 'ALREADY_EXISTS' });
    const status = (captureId: string) =>
      twins.requester.request('captureStatus', { captureId }, { timeoutMs: 5000 });
    assert.deepEqual(await status('capture1'), {
      captureId: 'capture1',
      status: 'IN_PROGRESS',
      state: 'SPOOLED',
    });
    assert.equal((await status('unheard-of')).status, 'NOT_FOUND');
  });

  it('give each client a private folder, and none to another user', async () => {
    await using twins = await AgentTwins.create();
    const hello = (body: object) => twins.requester.request('hello', body, { timeoutMs: 5000 });
    const { exchangeFolder } = await hello({ uid: process.getuid?.() });
    assert.equal((await stat(exchangeFolder)).mode & 0o777, 0o700);
    assert.match(exchangeFolder, /\/[0-9a-f]{32}$/);
    assert.equal((await hello({})).exchangeFolder, exchangeFolder);
    await assert.rejects(hello({ uid: 12345 }), { code: 'PERMISSION_DENIED', field: 'uid' });
  });
});

describe('long replies', () => {
  it('come in pages that each fit a message', async () => {
    await using twins = await AgentTwins.create();
    for (let index = 10; index < 50; index++) {
      const name = `model-with-quite-a-long-name-${index}`;
      await twins.register(await twins.package('1.0.0', name), name);
    }
    const app = await twins.app();
    const models = await app.listModels();
    assert.equal(new Set(models.map(({ name }) => name)).size, 40);
    const page = await twins.requester.request('list', {}, { timeoutMs: 5000 });
    assert.ok(page.next !== undefined && page.models.length < 40);
    await app.close();
  });
});

describe('stopping and updating', () => {
  it('gives every request exactly one reply: its result, or UNAVAILABLE', async () => {
    await using twins = await AgentTwins.create({
      script: () => ({ run: async (): Promise<MemoryRun> => 'hang' }),
    });
    await twins.register(await twins.package('1.0.0'));
    const requests = [1, 2, 3, 4, 5].map(() =>
      predict(twins).then(
        () => 'done',
        (error: EdgeError) => error.code,
      ),
    );
    await until(() => twins.agent.pending === 5, 'all have arrived');
    await twins.link.close();
    await twins.agent.stop(100);
    assert.deepEqual(
      await Promise.all(requests),
      Array.from({ length: 5 }, () => 'UNAVAILABLE'),
    );
  });

  it('defers a component update while requests run, and lets it go on afterwards', async () => {
    const gate = deferred<undefined>();
    await using twins = await AgentTwins.create({
      script: () => ({
        run: async (): Promise<MemoryRun> => {
          await gate.promise;
          return {};
        },
      }),
    });
    await twins.register(await twins.package('1.0.0'));
    const running = predict(twins);
    await until(() => twins.agent.pending === 1, 'the request runs');
    twins.greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd1' });
    assert.ok((twins.greengrass.deferred[0]?.recheckAfterMs ?? 0) > 0);
    gate.resolve(undefined);
    await running;
    await until(() => twins.agent.pending === 0, 'the request is done');
    twins.greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd1' });
    assert.equal(twins.greengrass.deferred[1]?.recheckAfterMs, 0);
  });

  it('changes capture and limits while running, and refuses an invalid change as a whole', async () => {
    await using twins = await AgentTwins.create();
    twins.greengrass.setConfiguration({ queue: { limit: 3 } });
    await until(() => twins.dependencies.configuration.current.queue.limit === 3, 'the change is in force');
    twins.greengrass.setConfiguration({
      queue: { limit: 5 },
      capture: { policies: [{ type: 'sometimes' }] },
    });
    await until(() => twins.dependencies.configuration.refusal !== undefined, 'the change is refused');
    assert.equal(twins.dependencies.configuration.current.queue.limit, 3);
  });
});
