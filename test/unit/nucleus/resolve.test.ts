import assert from 'node:assert/strict';
import { resolve } from '../../../src/local/nucleus/resolve.js';
import { BOTH, TestStore } from '../../lib/nucleus.js';

const run = { lifecycle: { run: 'true' } };
const needs = (...on: readonly (readonly [string, string])[]) => ({
  ...run,
  dependencies: Object.fromEntries(on.map(([name, range]) => [name, { VersionRequirement: range }])),
});

for (const profile of BOTH) {
  describe(`resolve on ${profile}`, () => {
    let store: TestStore;
    const versionsOf = async (roots: Readonly<Record<string, string>>): Promise<string[]> =>
      (await resolve(roots, store, profile)).map(({ name, version }) => `${name} ${version}`);
    beforeEach(() => {
      store = new TestStore();
    });

    it('puts dependencies before those that need them', async () => {
      store.add('a', '1.0.0', needs(['b', '>=1.0.0'], ['c', '>=1.0.0']));
      store.add('b', '1.0.0', needs(['c', '>=1.0.0']));
      store.add('c', '1.0.0', run);
      assert.deepEqual(await versionsOf({ a: '1.0.0' }), ['c 1.0.0', 'b 1.0.0', 'a 1.0.0']);
    });

    it('steps back to an older version that a later requirement wants, with that version’s needs', async () => {
      store.add('a', '1.0.0', needs(['b', '>=1.0.0'], ['c', '>=1.0.0']));
      store.add('b', '1.0.0', run);
      store.add('b', '2.0.0', needs(['d', '>=1.0.0']));
      store.add('c', '1.0.0', needs(['b', '<2.0.0']));
      store.add('d', '1.0.0', run);
      assert.deepEqual(await versionsOf({ a: '1.0.0' }), ['b 1.0.0', 'c 1.0.0', 'a 1.0.0']);
    });

    it('takes the nucleus and the token exchange as there', async () => {
      store.add(
        'a',
        '1.0.0',
        needs(
          ['aws.greengrass.Nucleus', '>=2.0.0'],
          ['aws.greengrass.TokenExchangeService', '>=2.0.0 <3.0.0'],
        ),
      );
      assert.deepEqual(await versionsOf({ a: '1.0.0' }), ['a 1.0.0']);
    });

    it('names who wants what where no version fits', async () => {
      store.add('a', '1.0.0', needs(['c', '<2.0.0']));
      store.add('b', '1.0.0', needs(['c', '>=2.0.0']));
      for (const version of ['1.0.0', '2.0.0']) store.add('c', version, run);
      await assert.rejects(
        resolve({ a: '1.0.0', b: '1.0.0' }, store, profile),
        /No version of c satisfies "<2\.0\.0" of a and ">=2\.0\.0" of b: there are 1\.0\.0, 2\.0\.0/,
      );
    });

    it('gives up where each choice undoes the one before', async () => {
      store.add('a', '1.0.0', needs(['b', '>=1.0.0']));
      store.add('b', '1.0.0', run);
      store.add('b', '2.0.0', needs(['c', '1.0.0']));
      store.add('c', '1.0.0', needs(['b', '<2.0.0']));
      await assert.rejects(resolve({ a: '1.0.0' }, store, profile), /No versions fit together/);
    });

    it('refuses a circle, and shows it', async () => {
      store.add('a', '1.0.0', needs(['b', '1.0.0']));
      store.add('b', '1.0.0', needs(['a', '1.0.0']));
      await assert.rejects(resolve({ a: '1.0.0' }, store, profile), /depend on each other: a -> b -> a/);
    });
  });
}
