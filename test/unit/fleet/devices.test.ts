import assert from 'node:assert/strict';
import {
  deregisterDevices,
  describeDevice,
  describeFleet,
  listDevices,
  listFleets,
  parseDevices,
  proposeRegistration,
  registerDevices,
  REGISTRATION_SHADOW,
  thingsNamed,
  type FleetCloud,
} from '../../../deploy/mod.js';
import { HEARTBEAT_SHADOW } from '../../../src/contract/mod.js';
import { dying, fixedClock as clock, Killed } from '../../lib/dying-cloud.js';
import { makeWorld, type World } from '../rollout/world.js';

const GROUP = 'ovens';

async function world(...things: string[]): Promise<World> {
  const made = await makeWorld();
  await made.cloud.createGroup(GROUP, '', {});
  for (const thing of things) made.local.registry.createThing(thing);
  return made;
}

async function register(cloud: FleetCloud, names: string[], description?: string): Promise<void> {
  const steps = await proposeRegistration(cloud, GROUP, parseDevices(names, description), { clock });
  await registerDevices(cloud, GROUP, steps);
}

describe('devices of a fleet', () => {
  it('are registered and deregistered to the same end after a kill at any call', async () => {
    const names = ['oven-1=serial_1', 'oven-2'];
    await using whole = await world('serial_1', 'oven-2');
    const counted = dying(whole.cloud, Infinity, false);
    await register(counted, names, 'new line');
    const deregister = async (cloud: FleetCloud): Promise<void> =>
      deregisterDevices(cloud, GROUP, await thingsNamed(cloud, 'deregister', GROUP, ['serial_1']));
    const counted2 = dying(whole.cloud, Infinity, false);
    await deregister(counted2);
    const members = (one: World): string[] => [...one.local.registry.group(GROUP).things];
    for (const after of [false, true]) {
      for (let call = 1; call <= counted.calls(); call++) {
        await using one = await world('serial_1', 'oven-2');
        await assert.rejects(register(dying(one.cloud, call, after), names, 'new line'), Killed);
        await register(one.cloud, names, 'new line');
        assert.deepEqual(members(one).sort(), ['oven-2', 'serial_1']);
        const described = await describeDevice(one.cloud, GROUP, 'oven-1');
        assert.deepEqual([described.iotThingName, described.description], ['serial_1', 'new line']);
      }
      for (let call = 1; call <= counted2.calls(); call++) {
        await using one = await world('serial_1', 'oven-2');
        await register(one.cloud, names);
        await assert.rejects(deregister(dying(one.cloud, call, after)), Killed);
        // Its last call may have been the leave: then it is done.
        if (members(one).includes('serial_1')) await deregister(one.cloud);
        assert.deepEqual(members(one), ['oven-2']);
        const left = await one.cloud.reported('serial_1', REGISTRATION_SHADOW);
        assert.deepEqual(left, { fleets: {} });
      }
    }
  });

  it('keep their entry in another fleet, and the time of their first registration', async () => {
    await using one = await world('oven-1');
    await one.cloud.createGroup('other', '', {});
    await register(one.cloud, ['oven-1'], 'first');
    const later = { ...clock, wallMs: () => clock.wallMs() + 1000 };
    for (const [group, description] of [
      [GROUP, 'second'],
      ['other', undefined],
    ] as const) {
      const devices = parseDevices(['oven-1'], description);
      const steps = await proposeRegistration(one.cloud, group, devices, { clock: later });
      await registerDevices(one.cloud, group, steps);
    }
    const { description, registrationTime } = await describeDevice(one.cloud, GROUP, 'oven-1');
    assert.deepEqual([description, registrationTime], ['second', new Date(clock.wallMs()).toISOString()]);
    await deregisterDevices(one.cloud, 'other', ['oven-1']);
    assert.equal((await describeDevice(one.cloud, GROUP, 'oven-1')).description, 'second');
  });

  it('are described although somebody wrote nonsense into their shadows', async () => {
    await using one = await world('oven-1');
    await register(one.cloud, ['oven-1']);
    await one.cloud.report('oven-1', HEARTBEAT_SHADOW, { v: 1, models: 'none' });
    await one.cloud.report('oven-1', REGISTRATION_SHADOW, { fleets: { [GROUP]: { device: 5 } } });
    const found = await describeDevice(one.cloud, GROUP, 'oven-1');
    assert.deepEqual(
      [found.deviceName, found.heartbeat, found.models, found.connected],
      ['oven-1', undefined, [], undefined],
    );
    assert.equal((await listDevices(one.cloud, GROUP)).length, 1);
  });

  it('are named wrongly: one sentence for each way', async () => {
    await using one = await world();
    const propose = (names: string[]) =>
      proposeRegistration(one.cloud, GROUP, parseDevices(names, undefined), { clock });
    await assert.rejects(propose(['oven-1']), /Cannot register devices as these things do not exist: oven-1/);
    await assert.rejects(async () => propose(['a', 'a=b']), /a name stands there twice/);
    await assert.rejects(async () => propose(['a=c', 'b=c']), /a thing stands there twice/);
    await assert.rejects(
      thingsNamed(one.cloud, 'x', GROUP, ['y']),
      /Cannot x as y is no device of the fleet/,
    );
  });
});

describe('listFleets', () => {
  it('gives the groups that an apply marked, by prefix', async () => {
    await using one = await makeWorld();
    for (const [name, fleet] of [
      ['b-group', 'ovens'],
      ['a-group', 'grills'],
      ['b-plain', undefined],
    ] as const)
      await one.cloud.createGroup(name, '', fleet === undefined ? {} : { 'edge-manager:fleet': fleet });
    const names = (await listFleets(one.cloud)).map((found) => found.deviceFleetName);
    assert.deepEqual(names, ['grills', 'ovens']);
    const some = await listFleets(one.cloud, 'b-');
    assert.deepEqual(
      some.map((found) => found.thingGroup),
      ['b-group'],
    );
    const plain = await describeFleet(one.cloud, 'b-plain');
    assert.deepEqual([plain.deviceFleetName, plain.registeredDeviceCount], ['b-plain', 0]);
  });
});
