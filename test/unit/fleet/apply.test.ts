import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { IoT } from '@aws-sdk/client-iot';
import {
  applyFleet,
  fleetNamed,
  parseFleets,
  proposeFleets,
  REGISTRATION_SHADOW,
  type Fleet,
  type FleetCloud,
  type FleetProposal,
} from '../../../deploy/mod.js';
import { EdgeError } from '../../../src/core/mod.js';
import { dying, fixedClock as clock, Killed } from '../../lib/dying-cloud.js';
import { makeWorld, type World } from '../rollout/world.js';

const devices = [
  'oven-1',
  { name: 'oven-2', thingName: 'serial_77', description: 'the old one', attributes: { hall: '3' } },
  'oven-3',
] as const;

function fleetOf(entry: object = {}): Fleet {
  const base = {
    description: 'Ovens of hall 3',
    output: { s3OutputLocation: 's3://captures/hall-3' },
    tags: { team: 'bakery' },
    createThings: true,
    devices,
  };
  return fleetNamed(parseFleets({ fleets: { ovens: { ...base, ...entry } } }), 'ovens');
}

async function propose(cloud: FleetCloud, fleet: Fleet): Promise<FleetProposal> {
  const [proposal] = await proposeFleets(cloud, [fleet], clock);
  assert.ok(proposal);
  return proposal;
}

async function apply(cloud: FleetCloud, fleet: Fleet): Promise<void> {
  await applyFleet(cloud, await propose(cloud, fleet));
}

/** All that an apply may touch. */
async function snapshot({ cloud, local }: World): Promise<unknown> {
  const things = [...local.registry.things.values()].map((thing) => ({
    name: thing.name,
    attributes: thing.attributes,
    groups: [...thing.groups].sort(),
  }));
  const groups = [...local.registry.groups.values()].map((group) => ({
    name: group.name,
    description: group.description,
    things: [...group.things].sort(),
  }));
  const tags: unknown[] = [];
  for (const { arn } of local.registry.groups.values()) tags.push(await cloud.groupTags(arn));
  const shadows: unknown[] = [];
  for (const { name } of things) shadows.push(await cloud.reported(name, REGISTRATION_SHADOW));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  return { things: things.sort(byName), groups, tags, shadows };
}

describe('fleet apply', () => {
  it('creates what is missing, and nothing the second time', async () => {
    await using world = await makeWorld();
    const fleet = fleetOf();
    const first = await propose(world.cloud, fleet);
    assert.deepEqual(
      first.steps.map((step) => ('thing' in step ? `${step.kind} ${step.thing}` : step.kind)),
      [
        'create-group',
        ...['oven-1', 'serial_77', 'oven-3'].flatMap((thing) => [
          `create-thing ${thing}`,
          `register ${thing}`,
          `join ${thing}`,
        ]),
      ],
    );
    assert.equal(world.local.registry.groups.size, 0, 'a plan creates nothing');
    const applied = await applyFleet(world.cloud, first);
    assert.equal(applied.groupArn, world.local.registry.group('ovens').arn);
    assert.deepEqual(await world.cloud.groupTags(applied.groupArn), {
      team: 'bakery',
      'edge-manager:fleet': 'ovens',
      'edge-manager:output': 's3://captures/hall-3',
    });
    assert.deepEqual(world.local.registry.thing('serial_77').attributes, { hall: '3' });
    const before = await snapshot(world);
    const second = await propose(world.cloud, fleet);
    assert.deepEqual(second.steps, []);
    assert.deepEqual(second.leftAlone, []);
    await applyFleet(world.cloud, second);
    assert.deepEqual(await snapshot(world), before);
  });

  it('leaves members, tags and a description of others alone, and says so', async () => {
    await using world = await makeWorld();
    await world.cloud.createGroup('ovens', 'by hand', { team: 'other', cost: '7' });
    for (const thing of ['oven-1', 'stranger']) {
      world.local.registry.createThing(thing, { by: 'hand' });
      world.local.registry.join('ovens', thing);
    }
    const proposal = await propose(world.cloud, fleetOf());
    assert.deepEqual(proposal.leftAlone, [
      { kind: 'description', value: 'by hand' },
      { kind: 'tag', name: 'team', value: 'other' },
      { kind: 'tag', name: 'cost', value: '7' },
      { kind: 'member', name: 'stranger' },
    ]);
    await applyFleet(world.cloud, proposal);
    const group = world.local.registry.group('ovens');
    assert.deepEqual([...group.things].sort(), ['oven-1', 'oven-3', 'serial_77', 'stranger']);
    const tags = await world.cloud.groupTags(group.arn);
    assert.deepEqual([tags['team'], tags['cost'], tags['edge-manager:fleet']], ['other', '7', 'ovens']);
    assert.deepEqual(world.local.registry.thing('oven-1').attributes, { by: 'hand' });
  });

  it('changes what is its own: output location and a device’s description', async () => {
    await using world = await makeWorld();
    await apply(world.cloud, fleetOf());
    const moved = fleetOf({
      output: { s3OutputLocation: 's3://captures/hall-4' },
      devices: ['oven-1', { name: 'oven-2', thingName: 'serial_77', description: 'the new one' }, 'oven-3'],
    });
    const proposal = await propose(world.cloud, moved);
    assert.deepEqual(
      proposal.steps.map((step) => step.kind),
      ['tag-group', 'register'],
    );
    await applyFleet(world.cloud, proposal);
    assert.deepEqual((await propose(world.cloud, moved)).steps, []);
  });

  it('comes to the same end after a kill at any call', async () => {
    const [, second] = devices;
    const fleet = fleetOf({ devices: ['oven-1', second] });
    await using whole = await makeWorld();
    const counted = dying(whole.cloud, Infinity, false);
    await apply(counted, fleet);
    const wanted = await snapshot(whole);
    assert.ok(counted.calls() >= 10, `${counted.calls()} calls`);
    for (let call = 1; call <= counted.calls(); call++) {
      for (const after of [false, true]) {
        await using world = await makeWorld();
        await assert.rejects(apply(dying(world.cloud, call, after), fleet), Killed);
        // What the dead process had under way ends before the next one starts.
        await setTimeout(5);
        await apply(world.cloud, fleet);
        assert.deepEqual(await snapshot(world), wanted, `call ${call}, ${after ? 'after' : 'before'}`);
        assert.deepEqual((await propose(world.cloud, fleet)).steps, []);
      }
    }
  });

  it('refuses things that do not exist, before it creates anything', async () => {
    await using world = await makeWorld();
    world.local.registry.createThing('oven-1');
    await assert.rejects(
      propose(world.cloud, fleetOf({ createThings: false })),
      /these things do not exist: serial_77, oven-3/,
    );
    assert.equal(world.local.registry.groups.size, 0);
  });

  it('refuses a group of another fleet, and one given by an ARN that is not there', async () => {
    await using world = await makeWorld();
    await world.cloud.createGroup('ovens', '', { 'edge-manager:fleet': 'grills' });
    await assert.rejects(propose(world.cloud, fleetOf()), /the thing group ovens is the fleet grills/);
    const arn = (account: string, name: string): string =>
      `arn:aws:iot:us-east-1:${account}:thinggroup/${name}`;
    await assert.rejects(
      propose(world.cloud, fleetOf({ thingGroup: arn('123456789012', 'nobody') })),
      /thinggroup\/nobody does not exist/,
    );
    await assert.rejects(
      propose(world.cloud, fleetOf({ thingGroup: arn('210987654321', 'ovens') })),
      /must be in this account and region/,
    );
  });

  it('takes members from a fleet-index query', async () => {
    await using world = await makeWorld();
    for (const [name, hall] of [
      ['a', '3'],
      ['b', '4'],
      ['c', '3'],
    ] as const)
      world.local.registry.createThing(name, { hall });
    const fleet = fleetOf({ devices: undefined, query: 'attributes.hall:3' });
    await assert.rejects(propose(world.cloud, fleet), /fleet indexing is off/);
    await world.cloud.indexFields([], REGISTRATION_SHADOW);
    await apply(world.cloud, fleet);
    assert.deepEqual([...world.local.registry.group('ovens').things], ['a', 'c']);
    const none = await propose(world.cloud, fleetOf({ devices: undefined, query: 'attributes.hall:9' }));
    assert.match(none.warnings.join(), /No thing matches the query/);
    for (const pattern of ['thingGroupNames:hall-*', 'thingGroupNames:ha?l'])
      await propose(world.cloud, fleetOf({ devices: undefined, query: pattern }));
    for (const query of ['thingGroupNames:nobody AND thingName:a*', 'thingGroupNames:"nobody"'])
      await assert.rejects(
        propose(world.cloud, fleetOf({ devices: undefined, query })),
        /query names the thing group nobody, which does not exist/,
      );
  });

  it('knows its own group and things where the answer of a create was lost', async () => {
    await using world = await makeWorld();
    const exists = (): never => {
      throw new EdgeError('ALREADY_EXISTS', 'It exists');
    };
    const lossy: FleetCloud = {
      ...world.cloud,
      createGroup: async (...all) => {
        await world.cloud.createGroup(...all);
        return exists();
      },
      createThing: async (...all) => {
        await world.cloud.createThing(...all);
        exists();
      },
    };
    await apply(lossy, fleetOf());
    assert.deepEqual((await propose(world.cloud, fleetOf())).steps, []);
    const late = fleetOf({ thingGroup: 'late' });
    const proposal = await propose(world.cloud, late);
    await world.cloud.createGroup('late', 'by others', {});
    await assert.rejects(applyFleet(world.cloud, proposal), /the thing group late as it exists by now/);
    assert.equal(world.local.registry.group('late').things.size, 0);
  });

  it('goes on through throttling and lost answers', async () => {
    await using world = await makeWorld(10);
    const orders = new Map([2, 6, 9, 12, 15].map((index) => [index, 'cut-after' as const]));
    world.local.setHook(({ index }) => (index === 4 ? 'throttle' : orders.get(index)));
    await apply(world.cloud, fleetOf());
    world.local.setHook(undefined);
    assert.equal(world.local.registry.group('ovens').things.size, 3);
    assert.deepEqual((await propose(world.cloud, fleetOf())).steps, []);
  });

  it('tells of a role alias that is missing, or stands for another role', async () => {
    await using world = await makeWorld();
    const role = 'arn:aws:iam::123456789012:role/Devices';
    const fleet = fleetOf({ roleAlias: 'DevicesAlias', roleArn: role });
    const proposal = await propose(world.cloud, fleet);
    assert.match(
      proposal.warnings.join(),
      /role alias DevicesAlias does not exist: aws iot create-role-alias/,
    );
    assert.equal(proposal.policies, undefined);
    const { region, endpoint, credentials } = world.local;
    const iot = new IoT({ region, endpoint, credentials });
    await iot.createRoleAlias({ roleAlias: 'DevicesAlias', roleArn: `${role}Other` });
    await assert.rejects(iot.createRoleAlias({ roleAlias: 'DevicesAlias', roleArn: role }), /already exists/);
    iot.destroy();
    const next = await propose(world.cloud, fleet);
    assert.match(next.warnings.join(), /stands for .*DevicesOther, not for .*Devices$/);
    assert.equal(next.policies?.length, 4, 'the alias tells account and region');
  });

  it('costs calls by pages, not by devices, where nothing is missing', async () => {
    await using world = await makeWorld();
    const names = Array.from({ length: 600 }, (_, index) => `d${index}`);
    const fleet = fleetOf({ devices: names });
    await world.cloud.createGroup('ovens', fleet.description, {});
    for (const name of names) {
      world.local.registry.createThing(name);
      world.local.registry.join('ovens', name);
    }
    await apply(world.cloud, fleet);
    const before = new Map(world.local.calls);
    assert.deepEqual((await propose(world.cloud, fleet)).steps, []);
    const made = [...world.local.calls].map(
      ([name, count]) => [name, count - (before.get(name) ?? 0)] as const,
    );
    assert.deepEqual(Object.fromEntries(made.filter(([, count]) => count !== 0)), {
      DescribeThingGroup: 1,
      ListTagsForResource: 1,
      ListThingsInThingGroup: 3,
    });
  });

  it('warns of a configuration that nucleus lite may not take', async () => {
    await using world = await makeWorld();
    const trustedKeys = Array.from({ length: 10 }, (_, index) => `${index}`.repeat(600));
    const { warnings } = await propose(world.cloud, fleetOf({ agent: { signature: { trustedKeys } } }));
    assert.match(warnings.join(), /has 6\d{3} bytes, which nucleus lite may not take/);
  });
});
