import { strict as assert } from 'node:assert';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deferred, EdgeError } from '../../../src/core/mod.js';
import type { MemoryRun } from '../../../src/runtime/host/mod.js';
import { describeModel, predict, quick, times } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

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
        configuration: { probation: { durationSeconds: 600, requests: 1000, minimumRequests: 5 } },
        script: ({ key }) => ({ run: () => (key.endsWith('2.0.0') ? run() : Promise.resolve({ runMs: 1 })) }),
      });
      await twins.register(await twins.package('1.0.0'));
      const second = await twins.package('2.0.0');
      await twins.register(second);
      await until(async () => {
        await predict(twins).catch(() => undefined);
        return (await describeModel(twins, '2.0.0')).state === 'ROLLED_BACK';
      }, 'the former version does better');
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

  it('twice in the first runs of a version quarantines it, over restarts, and the former one serves', async () => {
    await using twins = await AgentTwins.create({
      script: ({ key }) => ({ run: (): MemoryRun => (key.endsWith('2.0.0') ? 'crash' : {}) }),
    });
    await twins.register(await twins.package('1.0.0'));
    const second = await twins.package('2.0.0');
    await twins.register(second);
    await assert.rejects(predict(twins), { code: 'UNAVAILABLE' });
    await assert.rejects(predict(twins), { code: 'UNAVAILABLE' });
    await twins.event('QUARANTINED');
    await twins.event('ROLLED_BACK');
    const stays = async (): Promise<void> => {
      assert.equal((await predict(twins)).version, '1.0.0');
      await assert.rejects(predict(twins, { version: '2.0.0' }), {
        code: 'FAILED_PRECONDITION',
        message: /Model@2\.0\.0 as it is quarantined/,
      });
    };
    await stays();
    await twins.stop();
    await twins.start();
    await stays();
    assert.ok(!twins.hosts.loaded.includes('Model@2.0.0'));
    assert.equal((await describeModel(twins, '2.0.0')).state, 'QUARANTINED');
    assert.equal((await twins.register(second)).verdict, 'ADMITTED_WITH_WARNING');
    assert.equal((await predict(twins)).version, '1.0.0');
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
