import { strict as assert } from 'node:assert';
import { deferred, EdgeError } from '../../../src/core/mod.js';
import type { LoadReport } from '../../../src/runtime/host/port/mod.js';
import { describeModel, predict, times } from '../../lib/agent-requests.js';
import { AgentTwins, type TwinOptions } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

/** A version on probation is judged with its fifth request. */
const judged = { probation: { durationSeconds: 600, requests: 100, minimumRequests: 5 } };

/** Twins whose 2.0.0 fails until it is healed, and whose loads of one version wait at a gate once it is shut. */
async function gated(version: string, more: Partial<TwinOptions> = {}) {
  const gate = { shut: false, waiting: 0, healed: false, open: deferred<undefined>() };
  const load = async (key: string): Promise<Partial<LoadReport>> => {
    if (!gate.shut || key !== `Model@${version}`) return {};
    gate.waiting++;
    await gate.open.promise;
    return {};
  };
  const twins = await AgentTwins.create({
    ...more,
    script: ({ key }) => ({
      load: () => load(key),
      run: () => {
        if (key.endsWith('2.0.0') && !gate.healed) throw new EdgeError('INTERNAL', 'broken');
        return {};
      },
    }),
  });
  return { twins, gate };
}

/** 3.0.0 serves, and 1.0.0, whose package is `first`, waits at the gate when it is loaded again. */
async function atTheGate() {
  const { twins, gate } = await gated('1.0.0');
  const first = await twins.package('1.0.0');
  await twins.register(first);
  await twins.register(await twins.package('3.0.0'));
  twins.hosts.crash('Model@1.0.0');
  gate.shut = true;
  return { twins, gate, first };
}

/** Requests that 2.0.0 fails, and each of which the former version has answered since. */
async function fails(twins: AgentTwins, count: number): Promise<void> {
  for (let failures = 1; failures <= count; failures++) {
    await assert.rejects(predict(twins));
    await until(
      async () => (await describeModel(twins, '2.0.0')).probation?.errors === failures,
      'the former version was asked the same',
    );
  }
}

/** Other models are admitted meanwhile: whatever does not wait for its turn has happened by then. */
async function meanwhile(twins: AgentTwins): Promise<void> {
  for (const name of ['Other', 'Another']) await twins.register(await twins.package('1.0.0', name), name);
}

describe('what happens to one model', () => {
  it('takes back the version that was judged, not one that is admitted while the former one loads', async () => {
    const { twins, gate } = await gated('1.0.0', {
      configuration: { probation: { ...judged.probation, minimumRequests: 6 } },
    });
    await using _agent = twins;
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    await fails(twins, 5);
    twins.hosts.crash('Model@1.0.0');
    Object.assign(gate, { shut: true, healed: true });
    await predict(twins);
    await until(() => gate.waiting === 1, 'the former version loads');
    const third = twins.register(await twins.package('3.0.0'));
    await meanwhile(twins);
    gate.open.resolve(undefined);
    assert.equal((await third).verdict, 'ADMITTED');
    assert.equal((await twins.event('ROLLED_BACK')).from, '2.0.0');
    assert.equal((await describeModel(twins, '2.0.0')).state, 'ROLLED_BACK');
    assert.equal((await predict(twins)).version, '3.0.0');
    assert.equal((await predict(twins, { label: 'previous' })).version, '1.0.0');
  });

  it('condemns a version that was judged while its successor was admitted, and never goes back to it', async () => {
    const { twins, gate } = await gated('3.0.0', { configuration: judged });
    await using _agent = twins;
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    gate.shut = true;
    const third = twins.register(await twins.package('3.0.0'));
    await until(() => gate.waiting === 1, 'the next version loads');
    await times(5, () => predict(twins).catch(() => undefined));
    await meanwhile(twins);
    gate.open.resolve(undefined);
    assert.equal((await third).verdict, 'ADMITTED');
    await until(
      async () => (await describeModel(twins, '2.0.0')).state === 'ROLLED_BACK',
      'the verdict on the former version stands',
    );
    assert.equal((await predict(twins)).version, '3.0.0');
    assert.equal((await predict(twins, { label: 'previous' })).version, '1.0.0');
  });

  it('switches to a version that is being loaded for a request, rather than fail and say that all is well', async () => {
    const { twins, gate, first } = await atTheGate();
    await using _agent = twins;
    const request = predict(twins, { version: '1.0.0' });
    await until(() => gate.waiting === 1, 'a request loads the version');
    const back = twins.register(first);
    await meanwhile(twins);
    gate.open.resolve(undefined);
    assert.equal((await back).verdict, 'ADMITTED');
    assert.equal((await request).version, '1.0.0');
    assert.equal((await predict(twins)).version, '1.0.0');
  });

  it('lets a request for a version wait for its admission, rather than load it a second time', async () => {
    const { twins, gate, first } = await atTheGate();
    await using _agent = twins;
    const back = twins.register(first);
    await until(() => gate.waiting === 1, 'the admission loads the version');
    const request = predict(twins, { version: '1.0.0' });
    await meanwhile(twins);
    gate.open.resolve(undefined);
    assert.equal((await back).verdict, 'ADMITTED');
    assert.equal((await request).version, '1.0.0');
  });
});
