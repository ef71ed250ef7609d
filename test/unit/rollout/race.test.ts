import assert from 'node:assert/strict';
import type { ComponentSet } from '../../../deploy/rollout/mod.js';
import { lostChanges } from '../../../deploy/rollout/race.js';

const set = (versions: Readonly<Record<string, string>>): ComponentSet =>
  Object.fromEntries(
    Object.entries(versions).map(([name, componentVersion]) => [name, { componentVersion }]),
  );
const planned = (name: string): boolean => name === 'model';

describe('lostChanges', () => {
  it('finds what came between our look and our deployment', () => {
    const start = set({ camera: '1.0.0', model: '5.0.0' });
    const theirs = set({ camera: '2.0.0', model: '5.0.0' });
    const ours = set({ camera: '1.0.0', model: '6.0.0' });
    const lost = lostChanges(
      start,
      [
        { components: theirs, from: start },
        { components: ours, from: start },
      ],
      planned,
    );
    assert.deepEqual(
      lost.map((change) => (change.kind === 'change' ? change.to.componentVersion : change.kind)),
      ['2.0.0'],
    );
  });

  it('finds it too where somebody has deployed on top of ours since', () => {
    const start = set({ model: '5.0.0' });
    const theirs = set({ camera: '2.0.0', model: '5.0.0' });
    const ours = set({ model: '6.0.0' });
    const since = set({ fan: '1.0.0', model: '6.0.0' });
    const lost = lostChanges(
      start,
      [
        { components: theirs, from: start },
        { components: ours, from: start },
        { components: since, from: ours },
      ],
      planned,
    );
    assert.deepEqual(
      lost.map(({ kind, name }) => `${kind} ${name}`),
      ['add camera'],
    );
  });

  it('leaves alone what its author has changed or removed himself since', () => {
    const start = set({ camera: '1.0.0' });
    const theirs = set({ camera: '2.0.0' });
    const ours = set({ camera: '1.0.0', model: '6.0.0' });
    const since = set({ camera: '3.0.0', model: '6.0.0' });
    const removed = set({ model: '6.0.0' });
    for (const last of [since, removed]) {
      const revisions = [
        { components: theirs, from: start },
        { components: ours, from: start },
        { components: last, from: ours },
      ];
      assert.deepEqual(lostChanges(start, revisions, planned), []);
    }
  });
});
