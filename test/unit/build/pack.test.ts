import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../../examples/stage/root.js';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}
interface Pack {
  readonly closure: (
    root: string,
    entries: readonly string[],
  ) => { files: Map<string, string>; packages: Map<string, string> };
  readonly rangesOf: (
    what: string,
    used: ReadonlyMap<string, string>,
    manifest: Manifest,
  ) => Record<string, string>;
  readonly refuseUnused: (manifest: Manifest, used: ReadonlySet<string>) => void;
}

/** Scripts have no types: they run before anything is compiled. */
async function script(name: string): Promise<Pack> {
  return (await import(pathToFileURL(join(ROOT, 'scripts/pack', name)).href)) as Pack;
}

describe('scripts/pack.mjs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pack-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('takes what entry points reach, of code and of declarations, and nothing beside', async () => {
    const { closure } = await script('closure.mjs');
    const files = {
      'main.js': "export * from './a.js';\nconst b = await import('./b.js');",
      'a.js': "import { x } from '@scope/one/part';\nimport 'node:fs';\n// import 'comment'",
      'b.js': 'export {};',
      'beside.js': "import 'two';",
      'main.d.ts': "export declare const y: import('./types.js').Y;",
      'types.d.ts': "import type { Z } from 'three';\nexport type Y = Z;",
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const code = closure(folder, ['main.js']);
    assert.deepEqual([...code.files.keys()].map((path) => path.slice(folder.length + 1)).toSorted(), [
      'a.js',
      'b.js',
      'main.js',
    ]);
    assert.deepEqual([...code.packages], [['@scope/one', 'a.js']]);
    assert.deepEqual([...closure(folder, ['main.d.ts']).packages], [['three', 'types.d.ts']]);
    await rm(join(folder, 'b.js'));
    assert.throws(() => closure(folder, ['main.js']), /main\.js as it imports \.\/b\.js, which is not there/);
  });

  it('refuses a dependency that is not declared, and one that nothing imports', async () => {
    const { rangesOf, refuseUnused } = await script('manifest.mjs');
    const manifest = { dependencies: { one: '^1.0.0', two: '^2.0.0' } };
    assert.deepEqual(rangesOf('the client', new Map([['one', 'a.js']]), manifest), { one: '^1.0.0' });
    assert.throws(
      () => rangesOf('the client', new Map([['three', 'a.js']]), manifest),
      /Cannot pack the client as a\.js imports three, on which the root's package\.json does not depend/,
    );
    refuseUnused(manifest, new Set(['one', 'two']));
    assert.throws(() => refuseUnused(manifest, new Set(['one'])), /nothing imports the dependencies two/);
  });
});

describe('a stray file below examples/', () => {
  it('is not compiled, so that it stops no command', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stray-'));
    try {
      for (const name of ['src', 'components', 'deploy', 'test', 'node_modules', 'package.json'])
        await symlink(join(ROOT, name), join(folder, name));
      await cp(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'));
      for (const name of ['demo', 'fleet', 'floors', 'stage', 'voice-activity'])
        await cp(join(ROOT, 'examples', name), join(folder, 'examples', name), {
          recursive: true,
          filter: (path) => !/node_modules|greengrass-build/.test(path.slice(ROOT.length)),
        });
      const strays = ['stray.ts', 'mine/main.ts', 'voice-activity/stray.ts'];
      await mkdir(join(folder, 'examples/mine'));
      for (const stray of strays)
        await writeFile(join(folder, 'examples', stray), "import 'nowhere'; const {");
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--listFilesOnly'], {
        encoding: 'utf8',
        maxBuffer: 64e6,
      });
      assert.equal(status, 0, stdout);
      assert.match(stdout, /examples\/voice-activity\/speech\.ts/);
      assert.doesNotMatch(stdout, /stray\.ts|mine\/main\.ts/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
