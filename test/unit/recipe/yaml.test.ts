import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDeployment } from '../../../deploy/dev/deployment-file.js';
import { readDocument, readFleets } from '../../../deploy/fleet/files.js';
import { readModelYaml } from '../../../deploy/package/model-yaml.js';
import { toEdgeError } from '../../../src/core/mod.js';
import { folderStore } from '../../../src/local/nucleus/mod.js';
import { MAX_RECIPE_BYTES, parseRecipe, readYaml } from '../../../src/recipe/mod.js';

const DEEP = /as it must be nested at most 64 levels deep: line \d+ is deeper/;

/** Texts that are nested this deep, in each way that YAML has. */
const NESTED: Readonly<Record<string, (depth: number) => string>> = {
  'open brackets': (depth) => '['.repeat(depth),
  'brackets that close': (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`,
  'open braces': (depth) => '{a: '.repeat(depth),
  'JSON objects': (depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  'sequences on one line': (depth) => `${'- '.repeat(depth)}x`,
  'explicit keys': (depth) => `${'? '.repeat(depth)}x`,
  'indented maps': (depth) =>
    Array.from({ length: Math.min(depth, 200) }, (_, level) => `${' '.repeat(level)}a:`).join('\n'),
  'brackets in a value': (depth) => `a: 1\nb:\n  - ${'['.repeat(depth)}`,
};

describe('a YAML text', () => {
  for (const [what, nested] of Object.entries(NESTED)) {
    it(`is refused for its depth before anything is built of it: ${what}`, () => {
      assert.throws(() => readYaml(nested(50_000), 'the file'), { reason: 'FILE_UNREADABLE', message: DEEP });
    });
  }

  it('may be nested as deep as anything of ours is, with brackets in its texts', () => {
    const brackets = '['.repeat(1000);
    assert.deepEqual(
      readYaml(`a: "${brackets}"\nb: '${brackets}' # ${brackets}\nc: |\n  ${brackets}\n`, 'it'),
      {
        a: brackets,
        b: brackets,
        c: `${brackets}\n`,
      },
    );
    const json = `${'{"a":['.repeat(30)}1${']}'.repeat(30)}`;
    assert.deepEqual(readYaml(json, 'it'), JSON.parse(json));
  });

  it('names the line that is wrong, and refuses aliases that blow up', () => {
    assert.throws(
      () => readYaml('a: 1\nb: [', 'the file'),
      /Cannot read the file as it is not YAML: .* line 2/,
    );
    const bomb = [
      'a: &a [x]',
      ...'bcdefgh'
        .split('')
        .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[at]}`).join()}]`),
    ];
    assert.throws(() => readYaml(bomb.join('\n'), 'the file'), /more aliases than 50/);
    assert.throws(() => readYaml('a: *b', 'the file'), { reason: 'FILE_UNREADABLE' });
  });

  it('is read so by every command and the local nucleus', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edge-yaml-'));
    try {
      const file = join(folder, 'file.yaml');
      await mkdir(join(folder, 'greengrass-build', 'recipes'), { recursive: true });
      const readers: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
        fleets: () => readFleets(file),
        rollout: () => readDocument(file, 'the rollout plan'),
        'model.yaml': () => readModelYaml(file),
        deployment: () => readDeployment(file),
        'a build': async (text) => {
          await writeFile(join(folder, 'greengrass-build', 'recipes', 'recipe.yaml'), text);
          return await folderStore({ path: folder });
        },
      };
      for (const nested of Object.values(NESTED)) {
        const text = nested(50_000);
        await writeFile(file, text);
        for (const [name, read] of Object.entries(readers)) {
          const error = await read(text).then(() => undefined, toEdgeError);
          assert.match(error?.message ?? 'was read', DEEP, name);
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('of a recipe is refused for its depth within the size that a recipe may have', () => {
    for (const [what, nested] of Object.entries(NESTED)) {
      const text = nested(2000);
      // JSON has a reader of its own, and the recipe's schema has the last word.
      assert.throws(() => parseRecipe(text.slice(0, MAX_RECIPE_BYTES)), { code: 'INVALID_ARGUMENT' }, what);
    }
  });
});
