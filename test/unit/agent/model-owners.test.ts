import { strict as assert } from 'node:assert';
import { describeModel, predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

const OWN = 'org.edgemanager.model.Model';
const FOREIGN = 'com.example.Foreign';

const foreign = async (twins: AgentTwins, version: string): Promise<string> =>
  await twins.package(version, 'Model', { componentName: FOREIGN });
const registerForeign = async (twins: AgentTwins, path: string) =>
  await twins.registerAs(FOREIGN, { component: FOREIGN, path });

describe('a package', () => {
  it('is registered by its own component only: neither for another one, nor in the name of one', async () => {
    await using twins = await AgentTwins.create();
    const path = await twins.package('1.0.0');
    for (const [caller, component] of [
      [FOREIGN, FOREIGN],
      [FOREIGN, OWN],
      [OWN, FOREIGN],
    ] as const) {
      await assert.rejects(twins.registerAs(caller, { component, path }), { reason: 'REGISTRATION_FOREIGN' });
    }
    await assert.rejects(describeModel(twins), { code: 'NOT_FOUND' });
    assert.equal((await twins.register(path)).verdict, 'ADMITTED');
  });
});

describe("a model's name", () => {
  it('belongs to the component that served it first, whatever version another one claims', async () => {
    await using twins = await AgentTwins.create();
    await twins.register(await twins.package('1.0.0'));
    await assert.rejects(registerForeign(twins, await foreign(twins, '9007199254740991.0.0')), {
      reason: 'PACKAGE_REFUSED_OWNER',
      field: 'componentName',
    });
    assert.equal((await twins.event('REFUSED')).version, '9007199254740991.0.0');
    await assert.rejects(describeModel(twins, '9007199254740991.0.0'), { code: 'NOT_FOUND' });
    await twins.register(await twins.package('1.0.1'));
    assert.equal((await predict(twins)).version, '1.0.1');
  });

  it('is not taken by a folder of another component, or of another name', async () => {
    await using twins = await AgentTwins.create();
    await twins.register(await twins.package('1.0.0'));
    await twins.requester.request('unload', { name: 'Model' }, { timeoutMs: 60_000 });
    const load = (path: string) =>
      twins.requester.request('load', { name: 'Model', path }, { timeoutMs: 60_000 });
    await assert.rejects(load(await foreign(twins, '2.0.0')), { reason: 'PACKAGE_REFUSED_OWNER' });
    const other = await twins.package('3.0.0', 'Other', { componentName: OWN });
    await assert.rejects(load(other), { reason: 'PACKAGE_REFUSED_OWNER', field: 'name' });
  });

  it('goes to another component by configuration, and the former one is not failed by that', async () => {
    await using twins = await AgentTwins.create();
    const first = await twins.package('1.0.0');
    await twins.register(first);
    twins.greengrass.setConfiguration({ modelOwners: { Model: FOREIGN } });
    await until(
      () => twins.dependencies.configuration.current.modelOwners['Model'] === FOREIGN,
      'the change is in force',
    );
    assert.equal((await registerForeign(twins, await foreign(twins, '2.0.0'))).verdict, 'ADMITTED');
    assert.equal((await twins.register(first)).verdict, 'ADMITTED_WITH_WARNING');
    assert.equal((await predict(twins)).version, '2.0.0');
    assert.equal((await describeModel(twins)).component, FOREIGN);
  });

  it('is configured with a component name, or the configuration is refused', async () => {
    await using twins = await AgentTwins.create();
    twins.greengrass.setConfiguration({ modelOwners: { Model: '../x' } });
    await until(() => twins.dependencies.configuration.refusal !== undefined, 'the change is refused');
    assert.match(twins.dependencies.configuration.refusal?.field ?? '', /modelOwners/);
  });
});
