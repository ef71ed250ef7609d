import assert from 'node:assert/strict';
import { EdgeError } from '../../../src/core/mod.js';
import { parseRecipe, readRecipe, selectManifest, stepOf } from '../../../src/recipe/mod.js';

const HEAD = `RecipeFormatVersion: '2020-01-25'\nComponentName: com.example.Other\nComponentVersion: 1.2.3\n`;
const LINUX = { os: 'linux', architecture: 'amd64' };

/** What others write and AWS takes; with a part of the warning, none for what both nuclei read. */
const RECIPES: readonly [what: string, recipe: string, warning: RegExp | undefined][] = [
  [
    'URI in capitals',
    `${HEAD}Manifests:\n  - Platform: { os: linux }\n    Lifecycle: { run: echo hi }\n    Artifacts:\n      - URI: s3://b/a.txt\n        Unarchive: zip\n`,
    /'Manifests\[0\]\.Artifacts\[0\]\.URI' is read by the nucleus as 'Uri', by nucleus lite not at all/,
  ],
  [
    'steps in capitals',
    `${HEAD}Manifests:\n  - Platform: { os: linux }\n    Lifecycle:\n      Install: { script: 'true', requiresprivilege: true }\n      Run: echo hi\n`,
    /Lifecycle\.Run' is read by the nucleus as 'run'/,
  ],
  [
    'keys in small letters',
    "recipeformatversion: '2020-01-25'\ncomponentname: com.example.Other\ncomponentversion: 1.2.3\nmanifests:\n  - platform: { os: linux }\n    lifecycle: { run: echo hi }\n",
    /'componentname' is read by the nucleus as 'ComponentName'/,
  ],
  [
    'no manifests, and a lifecycle for all',
    `${HEAD}Manifests: []\nLifecycle: { all: { run: echo hi } }\n`,
    /'Manifests' is empty: AWS takes it/,
  ],
  ['no key Manifests', `${HEAD}Lifecycle: { all: { run: echo hi } }\n`, /'Manifests' is empty/],
  [
    'selections',
    `${HEAD}Lifecycle:\n  gpu: { run: echo gpu }\n  all: { run: echo hi }\nManifests:\n  - Platform: { os: linux }\n    Selections: [cpu, all]\n`,
    undefined,
  ],
  [
    'a plugin',
    `${HEAD}ComponentType: aws.greengrass.plugin\nManifests:\n  - Platform: { os: linux }\n    Artifacts: [{ Uri: 's3://b/plugin.jar' }]\n`,
    undefined,
  ],
  [
    'words of choice in any case',
    `${HEAD}ComponentDependencies:\n  aws.greengrass.TokenExchangeService: { VersionRequirement: '^2.0.0', DependencyType: hard }\nManifests:\n  - Lifecycle: { run: echo hi }\n    Artifacts: [{ Uri: 's3://b/a.sh', Permission: { Read: Owner, Execute: all } }]\n`,
    undefined,
  ],
  [
    'attributes of platforms of their own',
    `${HEAD}Manifests:\n  - Platform: { os: linux, board: /jetson.*/ }\n    Lifecycle: { run: echo jetson }\n  - Lifecycle: { run: echo hi }\n`,
    undefined,
  ],
  [
    'unknown keys, and null',
    `${HEAD}ComponentSource: nowhere\nComponentPublisher:\nManifests:\n  - Lifecycle: { run: echo hi }\n    Artifacts:\n`,
    /'ComponentSource' is not a known key: the nucleus leaves it out/,
  ],
];

describe('recipes of others', () => {
  for (const [what, recipe, warning] of RECIPES) {
    it(`with ${what} are read as the nucleus reads them, and refused where they are ours`, () => {
      const { warnings } = readRecipe(recipe);
      if (warning === undefined) assert.deepEqual(warnings, []);
      else assert.match(warnings.join('\n'), warning);
      const ours = recipe.replace('com.example.Other', 'org.edgemanager.Other');
      if (warning !== undefined) assert.throws(() => parseRecipe(ours), EdgeError);
      if (warning !== undefined) assert.throws(() => parseRecipe(recipe, 'lite'), EdgeError);
    });
  }

  const scriptOf = (recipe: string, step: 'run' | 'install' = 'run'): string | undefined =>
    stepOf(selectManifest(parseRecipe(recipe), LINUX, 'nucleus').lifecycle, step)?.script;

  it('run what the nucleus would run', () => {
    for (const [what, recipe] of RECIPES.filter(([name]) => !/manifests|Manifests|plugin/.test(name)))
      assert.equal(scriptOf(recipe), 'echo hi', what);
    assert.equal(scriptOf(RECIPES[1]?.[1] ?? '', 'install'), 'true');
  });

  it('take of the recipe-wide lifecycle what the manifest selects, at each level', () => {
    const wide = (lifecycle: string, selections: string): string =>
      `${HEAD}Lifecycle:\n${lifecycle}Manifests:\n  - Platform: { os: linux }\n    Selections: [${selections}]\n  - Platform: { os: windows }\n    Selections: [windows]\n`;
    const byStep = '  Run:\n    windows: echo w\n    gpu: { Script: echo gpu }\n    all: echo all\n';
    assert.equal(scriptOf(wide(byStep, 'gpu')), 'echo gpu');
    assert.equal(scriptOf(wide(byStep, 'cpu')), 'echo all');
    assert.equal(
      scriptOf(wide('  windows: { run: echo w }\n  cpu: { run: echo c }\n', 'cpu, gpu')),
      'echo c',
    );
    assert.equal(scriptOf(wide('  run: echo bare\n', 'cpu')), 'echo bare');
    const { recipe, warnings } = readRecipe(wide('  windows: { run: echo w }\n', 'cpu'));
    assert.deepEqual(recipe.Manifests[0]?.Lifecycle, {});
    assert.match(warnings.join(), /No part of 'Lifecycle' is for Manifests\[0\]/);
  });

  it('keep being refused for what AWS refuses', () => {
    for (const [text, field] of [
      [`${HEAD}Manifests: [{ Artifacts: [{}] }]\n`, 'Manifests[0].Artifacts[0].Uri'],
      [HEAD.replace('1.2.3', '1.2'), 'ComponentVersion'],
      [`${HEAD}ComponentType: aws.greengrass.other\n`, 'ComponentType'],
      [
        `${HEAD}Manifests: [{ Artifacts: [{ Uri: 's3://b/a', Unarchive: tar }] }]\n`,
        'Manifests[0].Artifacts[0].Unarchive',
      ],
    ] as const)
      assert.throws(
        () => parseRecipe(text),
        (error: unknown) => error instanceof EdgeError && error.field === field,
        text,
      );
  });
});
