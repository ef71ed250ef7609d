import assert from 'node:assert/strict';
import { problemsOnLite, type Recipe } from '../../../src/recipe/mod.js';

const sound: Recipe = {
  RecipeFormatVersion: '2020-01-25',
  ComponentName: 'com.example.Hello',
  ComponentVersion: '1.0.0',
  ComponentConfiguration: { DefaultConfiguration: { a: 'a' } },
  ComponentDependencies: { b: { VersionRequirement: '>=1.0.0 <2.0.0', DependencyType: 'HARD' } },
  Manifests: [
    {
      Platform: { os: 'linux', runtime: '*' },
      Lifecycle: { run: 'exec node {artifacts:path}/main.js {configuration:/a}' },
      Artifacts: [],
    },
  ],
};
const [manifest] = sound.Manifests;
const withRun = (run: string): Recipe => ({ ...sound, Manifests: [{ ...manifest, Lifecycle: { run } }] });

describe('problemsOnLite', () => {
  it('has nothing against a recipe that runs on both nuclei', () => {
    assert.deepEqual(problemsOnLite(sound), []);
  });

  it('looks at the manifest of each architecture', () => {
    const on = (architecture: string, run: string) => ({
      Platform: { os: 'linux', runtime: '*', architecture },
      Lifecycle: { run },
      Artifacts: [],
    });
    assert.deepEqual(problemsOnLite({ ...sound, Manifests: [on('amd64', 'a'), on('aarch64', 'b')] }), []);
    const second = problemsOnLite({ ...sound, Manifests: [on('amd64', 'a'), on('aarch64', '${B}')] });
    assert.match(second.join(), /cut at "\{B\}"/);
  });

  const faults: readonly [string, Recipe, RegExp][] = [
    ['a shell brace', withRun('echo ${HOME}'), /run script is cut at "\{HOME\}"/],
    ['a missing configuration value', withRun('echo {configuration:/b}'), /cut at "\{configuration:\/b\}"/],
    ['a brace that never closes', withRun('f() { echo a; '), /cut at "\{ echo a; "/],
    [
      'a caret range',
      { ...sound, ComponentDependencies: { b: { VersionRequirement: '^1.0.0', DependencyType: 'SOFT' } } },
      /version requirement "\^1\.0\.0"/,
    ],
    [
      'a dependency without a type',
      { ...sound, ComponentDependencies: { b: { VersionRequirement: '1.0.0' } } },
      /dependency on b has no DependencyType/,
    ],
    [
      'no runtime',
      { ...sound, Manifests: [{ Lifecycle: { run: 'a' }, Platform: { os: 'linux' }, Artifacts: [] }] },
      /No lifecycle was found/,
    ],
    [
      'no step',
      {
        ...sound,
        Manifests: [{ Lifecycle: { shutdown: 'a' }, Platform: { os: 'linux', runtime: '*' }, Artifacts: [] }],
      },
      /no install, run or startup/,
    ],
    [
      'no artifacts',
      { ...sound, Manifests: [{ Lifecycle: { run: 'a' }, Platform: { os: 'linux', runtime: '*' } }] },
      /has no Artifacts/,
    ],
  ];
  for (const [what, recipe, problem] of faults) {
    it(`names ${what}`, () => {
      const problems = problemsOnLite(recipe);
      assert.equal(problems.length, 1, problems.join('; '));
      assert.match(problems[0] ?? '', problem);
    });
  }
});
