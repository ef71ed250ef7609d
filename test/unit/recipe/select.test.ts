import assert from 'node:assert/strict';
import {
  selectManifest,
  stepOf,
  type Lifecycle,
  type Manifest,
  type Recipe,
} from '../../../src/recipe/mod.js';

const device = { os: 'linux', architecture: 'amd64', runtime: 'aws_nucleus_lite' };

function recipe(...manifests: Manifest[]): Recipe {
  return {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'com.example.Hello',
    ComponentVersion: '1.0.0',
    Manifests: manifests,
  };
}
const run = (text: string): Lifecycle => ({ run: text });

describe('selectManifest', () => {
  for (const runtime of ['*', 'aws_nucleus_lite']) {
    it(`takes a manifest with runtime ${runtime} on lite`, () => {
      const chosen = selectManifest(
        recipe({ Platform: { os: 'linux', runtime }, Lifecycle: run('a') }),
        device,
        'lite',
      );
      assert.equal(stepOf(chosen.lifecycle, 'run')?.script, 'a');
    });
  }

  it('finds no lifecycle on lite without a runtime, but does on the nucleus', () => {
    const without = recipe({ Platform: { os: 'linux' }, Lifecycle: run('a') });
    assert.throws(() => selectManifest(without, device, 'lite'), /^EdgeError: No lifecycle was found/);
    assert.deepEqual(selectManifest(without, { os: 'linux' }, 'nucleus').lifecycle, { run: 'a' });
  });

  it('takes the first manifest that fits, by pattern on the nucleus only', () => {
    const manifests = recipe(
      { Platform: { os: 'windows', runtime: '*' }, Lifecycle: run('windows') },
      { Platform: { os: 'linux', architecture: '/amd64|aarch64/', runtime: '*' }, Lifecycle: run('pattern') },
      { Platform: { os: 'linux', runtime: '*' }, Lifecycle: run('any') },
    );
    assert.deepEqual(selectManifest(manifests, device, 'nucleus').lifecycle, { run: 'pattern' });
    assert.deepEqual(selectManifest(manifests, device, 'lite').lifecycle, { run: 'any' });
  });

  it('takes the recipe-wide lifecycle that a manifest selects', () => {
    const shared: Recipe = {
      ...recipe({ Platform: { os: 'linux', runtime: '*' } }),
      Lifecycle: { all: { run: 'shared' } },
    };
    assert.deepEqual(selectManifest(shared, device, 'lite').lifecycle, { run: 'shared' });
    assert.deepEqual(selectManifest(shared, device, 'nucleus').lifecycle, { run: 'shared' });
  });
});
