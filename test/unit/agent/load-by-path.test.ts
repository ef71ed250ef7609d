import { strict as assert } from 'node:assert';
import { heartbeatTopic, type HeartbeatReport } from '../../../src/contract/mod.js';
import { updateVersion } from '../../../src/runtime/registry/mod.js';
import { describeModel, predict } from '../../lib/agent-requests.js';
import { EdgeError } from '../../../src/core/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

const load = (twins: AgentTwins, body: object) =>
  twins.requester.request('load', { name: 'Model', ...body }, { timeoutMs: 60_000 });
const unload = (twins: AgentTwins) =>
  twins.requester.request('unload', { name: 'Model' }, { timeoutMs: 60_000 });

describe('a folder that an app loads', () => {
  it('is refused where it is older than what was admitted before, and what served can come back', async () => {
    await using twins = await AgentTwins.create();
    const second = await twins.package('2.0.0');
    await twins.register(second);
    await unload(twins);
    await assert.rejects(load(twins, { path: await twins.package('1.0.0') }), {
      reason: 'PACKAGE_REFUSED_DOWNGRADE',
    });
    await load(twins, { path: second });
    assert.equal((await predict(twins)).version, '2.0.0');
  });

  it('may be older where its signature is checked and its manifest allows it, and only then', async () => {
    for (const state of ['verified', 'unsigned'] as const) {
      await using twins = await AgentTwins.create({
        script: () => ({
          load: () => ({
            signature: state === 'verified' ? { state, method: 'key', signer: 'us' } : { state },
          }),
        }),
      });
      await twins.register(await twins.package('2.0.0'));
      await unload(twins);
      const loading = load(twins, { path: await twins.package('1.0.0', 'Model', { allowDowngrade: true }) });
      if (state === 'verified') assert.equal((await loading).version, '1.0.0');
      else await assert.rejects(loading, { reason: 'PACKAGE_REFUSED_DOWNGRADE' });
    }
  });

  it('is refused where it is made for another platform or a newer runtime', async () => {
    await using twins = await AgentTwins.create();
    const other = await twins.package('1.0.0', 'Model', { target: 'linux-arm64' });
    await assert.rejects(load(twins, { path: other }), { reason: 'PACKAGE_REFUSED_TARGET' });
    const newer = await twins.package('1.0.1', 'Model', { minimumRuntimeVersion: '99.0.0' });
    await assert.rejects(load(twins, { path: newer }), { reason: 'PACKAGE_REFUSED_RUNTIME' });
    assert.deepEqual(twins.hosts.loaded, []);
  });

  it('stays the model of its component where a deployment brought it', async () => {
    await using twins = await AgentTwins.create();
    const folder = await twins.package('1.0.0');
    await twins.register(folder);
    await unload(twins);
    await load(twins, { path: folder });
    assert.equal((await describeModel(twins)).component, 'org.edgemanager.model.Model');
  });
});

describe('a package that a former agent let in against the rules', () => {
  it('goes on being served, and the heartbeat says which rule it breaks', async () => {
    await using twins = await AgentTwins.create();
    const path = await twins.package('1.0.0', 'Model', { target: 'linux-arm64' });
    const good = await twins.package('1.0.0', 'Good');
    await twins.register(good, 'Good');
    await load(twins, { path: good, name: 'Former' });
    // As an agent wrote it that asked nothing of folders.
    await twins.dependencies.registry.update((state) =>
      updateVersion(state, 'Former', '1.0.0', (record) => ({ ...record, source: path, kept: false })),
    );
    await twins.stop();
    await twins.start();
    const flagged = (): readonly string[] =>
      (lastReport(twins)?.models ?? [])
        .filter(({ unadmitted }) => unadmitted === true)
        .map(({ name }) => name);
    await until(() => flagged().length > 0, 'the heartbeat flags it');
    assert.deepEqual(flagged(), ['Former']);
    const described = lastReport(twins)?.models.find(({ name }) => name === 'Former');
    assert.match(described?.reason ?? '', /made for linux-arm64/);
    assert.equal((await predict(twins, {}, { model: 'Former' })).version, '1.0.0');
  });

  it('is looked for without the trusted keys: an agent that cannot read them starts all the same', async () => {
    let readable = true;
    await using twins = await AgentTwins.create({
      trustedKeys: () =>
        readable
          ? Promise.resolve([])
          : Promise.reject(new EdgeError('FILE_UNUSABLE', 'Cannot read the keys')),
    });
    await twins.register(await twins.package('1.0.0'));
    await twins.stop();
    readable = false;
    await twins.start();
    assert.equal((await describeModel(twins)).version, '1.0.0');
  });
});

function lastReport(twins: AgentTwins): HeartbeatReport | undefined {
  const last = twins.greengrass.iotCore.findLast(({ topic }) => topic === heartbeatTopic('thing-1'));
  if (last === undefined) return undefined;
  const update = JSON.parse(new TextDecoder().decode(last.payload)) as {
    state: { reported: HeartbeatReport };
  };
  return update.state.reported;
}
