import assert from 'node:assert/strict';
import fc from 'fast-check';
import { applyFleet, fleetNamed, parseFleets, proposeFleets } from '../../../deploy/mod.js';
import { dying, fixedClock, Killed } from '../../lib/dying-cloud.js';
import { makeWorld } from '../rollout/world.js';

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 });
const tags = fc.dictionary(
  fc.constantFrom('team', 'cost', 'edge-manager:purpose'),
  fc.constantFrom('x', 'y'),
);

describe('fleet apply beside others', () => {
  it('loses nothing of theirs, whatever is there, whatever the file says and wherever it dies', async () => {
    await using world = await makeWorld();
    const { registry } = world.local;
    const count = { runs: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.record({ there: names, wanted: names, theirTags: tags, ourTags: tags }),
        fc.option(fc.record({ description: fc.constantFrom('', 'theirs') })),
        fc.integer({ min: 1, max: 40 }),
        async ({ there, wanted, theirTags, ourTags }, group, killAt) => {
          const fleetName = `p${count.runs++}`;
          const own = (name: string): string => `${fleetName}-${name}`;
          for (const name of there) registry.createThing(own(name), { by: 'others' });
          if (group !== null) {
            await world.cloud.createGroup(fleetName, group.description, theirTags);
            for (const name of there) registry.join(fleetName, own(name));
          }
          const entry = { createThings: true, tags: ourTags, devices: wanted.map(own), description: 'ours' };
          const fleet = fleetNamed(parseFleets({ fleets: { [fleetName]: entry } }), fleetName);
          const apply = async (cloud: typeof world.cloud): Promise<void> => {
            for (const proposal of await proposeFleets(cloud, [fleet], fixedClock))
              await applyFleet(cloud, proposal);
          };
          try {
            await apply(dying(world.cloud, killAt, killAt % 2 === 0));
          } catch (error) {
            if (!(error instanceof Killed)) throw error;
          }
          await apply(world.cloud);
          const made = registry.group(fleetName);
          const members = group === null ? wanted : [...new Set([...there, ...wanted])];
          assert.deepEqual([...made.things].sort(), members.map(own).sort());
          const held = await world.cloud.groupTags(made.arn);
          if (group !== null) {
            assert.equal(made.description, group.description);
            for (const [key, value] of Object.entries(theirTags)) assert.equal(held[key], value, key);
          }
          for (const key of Object.keys(ourTags)) assert.notEqual(held[key], undefined, key);
          for (const name of there) assert.deepEqual(registry.thing(own(name)).attributes, { by: 'others' });
          const [again] = await proposeFleets(world.cloud, [fleet], fixedClock);
          assert.deepEqual(again?.steps, []);
        },
      ),
      { numRuns: 20 },
    );
  });
});
