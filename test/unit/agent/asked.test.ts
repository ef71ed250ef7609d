import { strict as assert } from 'node:assert';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeModel, predict, quick, times } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';

const served = async (twins: AgentTwins, label: string): Promise<string> =>
  (await predict(twins, { label })).version;

describe('labels that a manifest names', () => {
  it('address its version, and go over to the next version that names them', async () => {
    await using twins = await AgentTwins.create({ configuration: quick });
    await twins.register(await twins.package('1.0.0', 'Model', { versionLabels: ['night', 'small'] }));
    assert.equal(await served(twins, 'night'), '1.0.0');
    await twins.register(await twins.package('2.0.0', 'Model', { versionLabels: ['night'] }));
    await twins.register(await twins.package('3.0.0'));
    await times(6, () => predict(twins));
    assert.deepEqual(
      await Promise.all(['small', 'night', 'stable', 'previous'].map((label) => served(twins, label))),
      ['1.0.0', '2.0.0', '3.0.0', '2.0.0'],
    );
    const { models } = await twins.requester.request('list', {}, { timeoutMs: 60_000 });
    assert.deepEqual(
      models.map(({ version, labels }) => [version, labels]),
      [
        ['1.0.0', ['small']],
        ['2.0.0', ['night', 'previous']],
        ['3.0.0', ['stable']],
      ],
    );
    const body = { name: 'Model', label: 'night' };
    assert.equal((await twins.requester.request('describe', body, { timeoutMs: 60_000 })).version, '2.0.0');
    await assert.rejects(predict(twins, { label: 'day' }), { code: 'NOT_FOUND', field: 'label' });
  });

  it('stay with their packages where the registry and the artifacts are lost', async () => {
    await using twins = await AgentTwins.create({ configuration: quick });
    await twins.register(await twins.package('1.0.0', 'Model', { versionLabels: ['small'] }));
    await twins.register(await twins.package('2.0.0'));
    await twins.register(await twins.package('3.0.0'));
    await times(6, () => predict(twins));
    await twins.agent.sweep();
    await twins.stop();
    await rm(join(twins.folder, 'work', 'registry.json'));
    await rm(join(twins.folder, 'artifacts'), { recursive: true });
    await twins.start();
    assert.equal(await served(twins, 'small'), '1.0.0');
    assert.equal(await served(twins, 'stable'), '3.0.0');
  });

  it('come with a folder that an app loads', async () => {
    await using twins = await AgentTwins.create();
    const path = await twins.package('1.0.0', 'Model', { versionLabels: ['small'] });
    await twins.requester.request('load', { name: 'alias', path }, { timeoutMs: 60_000 });
    assert.equal((await predict(twins, { label: 'small' }, { model: 'alias' })).version, '1.0.0');
  });

  it('go back with a rollback', async () => {
    await using twins = await AgentTwins.create({
      configuration: { probation: { durationSeconds: 600, requests: 100, minimumRequests: 5 } },
      script: ({ key }) => ({ run: () => ({ nonFinite: key.endsWith('2.0.0') }) }),
    });
    await twins.register(await twins.package('1.0.0', 'Model', { versionLabels: ['night'] }));
    await twins.register(await twins.package('2.0.0', 'Model', { versionLabels: ['night'] }));
    await times(5, () => predict(twins));
    await twins.event('ROLLED_BACK');
    assert.equal(await served(twins, 'night'), '1.0.0');
    assert.deepEqual((await describeModel(twins, '2.0.0')).labels, []);
  });
});

describe('threads that a manifest asks for', () => {
  it('come with every load of the version, one where it asks for none', async () => {
    const threads: [string, number][] = [];
    await using twins = await AgentTwins.create({
      script: (spec) => {
        threads.push([spec.key, spec.threads]);
        return {};
      },
    });
    await twins.register(await twins.package('1.0.0', 'Model', { resources: { threads: 3 } }));
    await twins.register(await twins.package('1.0.0', 'Other'), 'Other');
    await twins.stop();
    await twins.start();
    await predict(twins);
    await predict(twins, {}, { model: 'Other' });
    assert.deepEqual(
      threads.toSorted(([a], [b]) => a.localeCompare(b)),
      [
        ['Model@1.0.0', 3],
        ['Model@1.0.0', 3],
        ['Other@1.0.0', 1],
        ['Other@1.0.0', 1],
      ],
    );
  });
});
