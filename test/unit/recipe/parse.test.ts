import assert from 'node:assert/strict';
import { EdgeError } from '../../../src/core/mod.js';
import { parseRecipe, renderRecipe, validateRecipe, type Recipe } from '../../../src/recipe/mod.js';

const minimal = `
RecipeFormatVersion: '2020-01-25'
ComponentName: org.edgemanager.Hello
ComponentVersion: 1.2.3
ComponentConfiguration:
  DefaultConfiguration:
    count: 5
    on: true
Manifests:
  - Platform: { os: linux, runtime: '*' }
    Lifecycle:
      install: { Script: echo install, Timeout: 30 }
      run: echo hello
    Artifacts:
      - Uri: s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/a.txt
`;

function refusal(text: string): EdgeError {
  try {
    parseRecipe(text);
  } catch (error) {
    assert.ok(error instanceof EdgeError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the recipe was accepted' });
}

describe('parseRecipe', () => {
  it('reads YAML and JSON to the same recipe', () => {
    const fromYaml = parseRecipe(minimal);
    assert.equal(fromYaml.ComponentName, 'org.edgemanager.Hello');
    assert.deepEqual(parseRecipe(JSON.stringify(fromYaml)), fromYaml);
  });

  const misspelt: readonly [string, string, string, string | undefined][] = [
    ['a lifecycle step', '      run:', '      rum:', 'run'],
    ['a lifecycle step in capitals', '      run:', '      Run:', 'run'],
    ['a key of a step', 'Timeout: 30', 'Timout: 30', 'Timeout'],
    ['a key of a step in small letters', 'Script:', 'script:', 'Script'],
    ['a platform key', 'runtime:', 'runtim:', 'runtime'],
    ['an artifact key', '- Uri:', '- URI:', 'Uri'],
    ['a manifest key', '    Artifacts:', '    Artefacts:', 'Artifacts'],
    ['a section', 'ComponentConfiguration:', 'ComponentConfigurations:', 'ComponentConfiguration'],
    ['the default configuration', 'DefaultConfiguration:', 'defaultConfiguration:', 'DefaultConfiguration'],
  ];
  for (const [what, right, wrong, hint] of misspelt) {
    it(`names ${what} that is misspelt`, () => {
      const key = /[A-Za-z]+(?=:)/.exec(wrong)?.[0] ?? '';
      const error = refusal(minimal.replace(right, wrong));
      assert.match(error.message, new RegExp(`'[^']*${key}' is not a known key`));
      assert.match(error.nextStep ?? '', new RegExp(`'${hint}'`));
    });
  }

  it('refuses run beside startup', () => {
    const error = refusal(minimal.replace('      run:', '      startup: echo up\n      run:'));
    assert.match(error.message, /run' must not stand beside 'startup'/);
  });

  it('refuses a version that is not semantic, and a name with a space', () => {
    assert.equal(refusal(minimal.replace('1.2.3', '1.2')).field, 'ComponentVersion');
    assert.equal(
      refusal(minimal.replace('org.edgemanager.Hello', 'org.edgemanager Hello')).field,
      'ComponentName',
    );
  });

  it('refuses names that lead out of a folder', () => {
    assert.equal(refusal(minimal.replace('org.edgemanager.Hello', '..')).field, 'ComponentName');
    assert.equal(refusal(minimal.replace('a.txt', '..')).field, 'Manifests[0].Artifacts[0].Uri');
  });

  it('refuses two artifacts with one file name', () => {
    const second = '\n      - Uri: s3://BUCKET_NAME/COMPONENT_NAME/other/a.txt\n';
    assert.match(refusal(minimal.trimEnd() + second).message, /"a.txt" is there twice/);
  });

  it('refuses more than 16,000 bytes', () => {
    assert.match(refusal(`${minimal}# ${'x'.repeat(16_000)}`).message, /at most 16000 bytes/);
  });

  it('refuses broken YAML, broken JSON and a doubled key in one line', () => {
    assert.match(refusal('a: [').message, /^Cannot read the recipe as it is not YAML: [^\n]+$/);
    assert.match(refusal('{"a": ').message, /^Cannot read the recipe as it is not JSON: [^\n]+$/);
    assert.match(refusal(`${minimal}\nComponentName: b`).message, /unique/i);
  });

  it('gives the scalars of YAML as strings on lite, those of JSON as they are', () => {
    assert.deepEqual(parseRecipe(minimal, 'lite').ComponentConfiguration?.DefaultConfiguration, {
      count: '5',
      on: 'true',
    });
    const json = JSON.stringify(parseRecipe(minimal));
    assert.deepEqual(parseRecipe(json, 'lite').ComponentConfiguration?.DefaultConfiguration, {
      count: 5,
      on: true,
    });
  });
});

describe('renderRecipe', () => {
  it('gives text that reads back to the same recipe, scripts and odd scalars included', () => {
    const recipe: Recipe = validateRecipe({
      ...parseRecipe(minimal),
      ComponentConfiguration: {
        DefaultConfiguration: { text: '5', no: 'no', empty: '', list: [1, { a: null }], path: 'a: #b' },
      },
      Manifests: [
        {
          Platform: { os: 'linux', runtime: '*' },
          Lifecycle: { startup: { Script: "gate || exit 1\ntrap 'exit 0' EXIT\n", Timeout: 600 } },
        },
      ],
    });
    assert.deepEqual(parseRecipe(renderRecipe(recipe)), recipe);
  });

  it('refuses a recipe of more than 16,000 bytes', () => {
    const recipe = { ...parseRecipe(minimal), ComponentDescription: 'x'.repeat(16_000) };
    assert.throws(() => renderRecipe(recipe), /at most 16000 bytes/);
  });
});
