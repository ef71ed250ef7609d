import { strict as assert } from 'node:assert';
import { admittedDigests, decide, newestAdmitted } from '../../../src/runtime/plan/mod.js';
import {
  addBeside,
  EMPTY_REGISTRY,
  forgetIdle,
  MAX_FORGOTTEN,
  MAX_HELD_AGAINST,
  MAX_IDLE,
  promote,
  refuse,
  rollBack,
  updateModel,
  updateVersion,
  type RegistryState,
  type VersionRecord,
} from '../../../src/runtime/registry/mod.js';

const NOTHING: ReadonlySet<string> = new Set();
const digestOf = (version: string): string => Buffer.from(version).toString('hex').padEnd(64, '0');

function record(turn: number, more: Partial<VersionRecord> = {}): VersionRecord {
  const version = `${turn}.0.0`;
  return {
    version,
    digest: digestOf(version),
    packageName: 'Vad',
    source: `/artifacts/${version}`,
    kept: false,
    admitted: false,
    admittedAtMs: 1000 + turn,
    tries: 0,
    ...more,
  };
}

/** Versions 1.0.0 to `last`.0.0, each admitted over the one before. */
function served(last: number, from: RegistryState = EMPTY_REGISTRY): RegistryState {
  let state = from;
  for (let turn = 1; turn <= last; turn++) state = promote(state, 'Vad', record(turn), { probation: false });
  return state;
}

const versionsOf = (state: RegistryState): string[] => Object.keys(state.models['Vad']?.versions ?? {});

describe('what the registry forgets', () => {
  it('is nothing while little is there, and then the same object comes back', () => {
    const state = served(2 + MAX_IDLE);
    assert.equal(forgetIdle(state, NOTHING), state);
  });

  it('is the oldest of those that served well and that nothing needs', () => {
    const state = forgetIdle(served(20), NOTHING);
    assert.deepEqual(versionsOf(state), ['15.0.0', '16.0.0', '17.0.0', '18.0.0', '19.0.0', '20.0.0']);
    assert.deepEqual(
      state.models['Vad']?.forgotten?.map(({ version }) => version),
      ['11.0.0', '12.0.0', '13.0.0', '14.0.0'],
    );
  });

  it('is as much after the tenth update as after any later one', () => {
    const sizeOf = (updates: number): number => {
      let state = EMPTY_REGISTRY;
      for (let turn = 1; turn <= updates; turn++) {
        state = promote(state, 'Vad', record(1000 + turn), { probation: false });
        state = forgetIdle(state, NOTHING);
      }
      return JSON.stringify(state).length;
    };
    assert.equal(sizeOf(10), sizeOf(11));
    assert.equal(sizeOf(10), sizeOf(900));
  });

  for (const [what, state] of [
    ['has a label', updateLabels(served(20), { night: '3.0.0' })],
    ['is pinned', updateVersion(served(20), 'Vad', '3.0.0', (old) => ({ ...old, pinned: true }))],
    ['is what its component wants', updateModelOf(served(20), { desired: '3.0.0' })],
    [
      'is what a version on probation would go back to',
      updateModelOf(served(20), { probationAgainst: '3.0.0' }),
    ],
  ] as const) {
    it(`is never a version that ${what}`, () => {
      assert.ok(versionsOf(forgetIdle(state, NOTHING)).includes('3.0.0'));
    });
  }

  it('is never a version that is in memory, or on its way there', () => {
    assert.ok(versionsOf(forgetIdle(served(20), new Set([digestOf('3.0.0')]))).includes('3.0.0'));
  });

  it('is rather a version without a copy of its package than one whose copy is within the quota', () => {
    const kept = updateVersion(served(20), 'Vad', '3.0.0', (old) => ({ ...old, kept: true }));
    const versions = versionsOf(forgetIdle(kept, NOTHING));
    assert.ok(versions.includes('3.0.0') && !versions.includes('15.0.0'), versions.join());
  });

  it('leaves the last refused, rolled back and quarantined ones, with their reasons', () => {
    let state = served(1);
    for (let turn = 2; turn <= 60; turn++) {
      state =
        turn % 2 === 0
          ? refuse(state, 'Vad', record(turn), `reason ${turn}`)
          : rollBack(promote(state, 'Vad', record(turn), { probation: true }), 'Vad', {
              from: `${turn}.0.0`,
              to: '1.0.0',
              reason: `reason ${turn}`,
            });
    }
    const left = Object.values(forgetIdle(state, NOTHING).models['Vad']?.versions ?? {});
    const against = left.filter(({ rolledBack, refused }) => (rolledBack ?? refused) !== undefined);
    assert.deepEqual(
      against.map(({ version, rolledBack, refused }) => [version, rolledBack ?? refused]),
      Array.from({ length: against.length }, (_, index) => 61 - against.length + index).map((turn) => [
        `${turn}.0.0`,
        `reason ${turn}`,
      ]),
    );
    assert.ok(against.length >= MAX_HELD_AGAINST && against.length <= MAX_HELD_AGAINST + 1);
  });
});

describe('models that the registry forgets', () => {
  const named = (
    state: RegistryState,
    name: string,
    more: Partial<VersionRecord>,
    wanted: boolean,
  ): RegistryState => {
    const added = addBeside(state, name, record(1, { admitted: true, ...more }));
    return updateModel(added, name, (model) => ({ ...model, wanted }));
  };

  it('are those that apps loaded by path and unloaded, but for the last sixteen', () => {
    let state = named(EMPTY_REGISTRY, 'loaded', { admittedAtMs: 0 }, true);
    state = named(state, 'deployed', { component: 'org.edgemanager.model.Vad', admittedAtMs: 0 }, false);
    for (let turn = 100; turn < 200; turn++)
      state = named(state, `night-${turn}`, { admittedAtMs: turn }, false);
    const names = Object.keys(forgetIdle(state, NOTHING).models);
    assert.deepEqual(names, [
      'loaded',
      'deployed',
      ...Array.from({ length: 16 }, (_, index) => `night-${184 + index}`),
    ]);
  });

  it('are those of which no package was ever admitted, but for the last sixteen', () => {
    let state = served(1);
    for (let turn = 1; turn <= 50; turn++)
      state = refuse(state, `odd-${turn}`, record(turn), 'made for another platform');
    const names = Object.keys(forgetIdle(state, NOTHING).models);
    assert.deepEqual(names, ['Vad', ...Array.from({ length: 16 }, (_, index) => `odd-${35 + index}`)]);
  });
});

describe('a version that was forgotten', () => {
  const arrival = (version: string, digest = digestOf(version)) => ({ model: 'Vad', version, digest });

  it('comes back while its digest is remembered, whatever the downgrade rule says', () => {
    const state = forgetIdle(served(20), NOTHING);
    const decision = decide(state, arrival('11.0.0'), () => assert.fail('was asked'));
    assert.deepEqual(decision, { kind: 'admit', again: true });
    assert.ok(admittedDigests(state, 'Vad').has(digestOf('11.0.0')));
  });

  it('is refused with other content', () => {
    const state = forgetIdle(served(20), NOTHING);
    const decision = decide(state, arrival('11.0.0', 'f'.repeat(64)), () => undefined);
    assert.ok(decision.kind === 'refuse' && decision.error.field === 'version');
  });

  it('longer ago than that is judged as any other version', () => {
    const state = forgetIdle(served(20), NOTHING);
    assert.equal(state.models['Vad']?.forgotten?.length, MAX_FORGOTTEN);
    assert.ok(!admittedDigests(state, 'Vad').has(digestOf('5.0.0')));
  });

  it('stands once in the list, however often it comes and goes', () => {
    let state = EMPTY_REGISTRY;
    for (let turn = 1; turn <= 100; turn++) {
      const next = { ...record((turn % 12) + 1), admittedAtMs: turn };
      state = forgetIdle(promote(state, 'Vad', next, { probation: false }), NOTHING);
    }
    const { versions = {}, forgotten = [] } = state.models['Vad'] ?? {};
    const names = forgotten.map(({ version }) => version);
    assert.equal(new Set(names).size, names.length);
    assert.ok(Object.keys(versions).length <= 3 + MAX_IDLE);
  });

  it('is never the newest that was admitted here: older ones stay refused', () => {
    let state = promote(EMPTY_REGISTRY, 'Vad', record(900, { admittedAtMs: 1 }), { probation: false });
    state = forgetIdle(served(20, state), NOTHING);
    assert.equal(newestAdmitted(state, 'Vad'), '900.0.0');
  });

  it('and was loaded by path leaves no trace of its label', () => {
    let state = served(1);
    for (let turn = 2; turn <= 20; turn++) state = addBeside(state, 'Vad', record(turn, { admitted: true }));
    const { versions = {}, labels } = forgetIdle(state, NOTHING).models['Vad'] ?? {};
    for (const version of Object.values(labels ?? {})) assert.ok(version in versions);
  });
});

function updateModelOf(state: RegistryState, more: object): RegistryState {
  const model = state.models['Vad'];
  return model === undefined ? state : { ...state, models: { Vad: { ...model, ...more } } };
}

function updateLabels(state: RegistryState, labels: object): RegistryState {
  return updateModelOf(state, { labels: { ...state.models['Vad']?.labels, ...labels } });
}
