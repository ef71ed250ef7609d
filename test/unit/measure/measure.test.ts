import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMITS } from '../../measure/limits.js';

const MAIN = fileURLToPath(new URL('../../measure/main.js', import.meta.url));

interface Row {
  readonly name: string;
  readonly value: number;
  readonly limit: number | null;
  readonly holds: boolean;
  readonly findings: readonly { readonly where: string; readonly what: string }[];
}

/** A house that breaks nothing. */
const CLEAN: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "house", "version": "1.0.0", "type": "module", "dependencies": {} }',
  'knip.json': '{ "entry": ["components/main.ts"], "project": ["{src,deploy,components}/**/*.ts"] }',
  '.oxlintrc.json':
    '{ "overrides": [{ "files": ["src/disk/files.ts"], "rules": { "import/no-nodejs-modules": "off" } }] }',
  'components/main.ts': "import { size } from '../src/disk/mod.js';\nconsole.log(size('x'));\n",
  'src/disk/mod.ts': "export { size } from './files.js';\n",
  'src/disk/files.ts':
    "import { statSync } from 'node:fs';\nexport function size(path: string): number {\n  return statSync(path).size;\n}\n",
};

const line = (text: string, count: number): string => `${text}\n`.repeat(count);

/** The same house with each limit broken, at one place each. */
const BROKEN: Readonly<Record<string, string>> = {
  ...CLEAN,
  'package.json': '{ "name": "house", "type": "module", "dependencies": { "leftover": "1.0.0" } }',
  '.oxlintrc.json': JSON.stringify({
    overrides: [
      {
        files: [
          'src/disk/files.ts',
          ...Array.from({ length: LIMITS.adapters }, (_, index) => `src/adapter-${index}.ts`),
        ],
        rules: { 'import/no-nodejs-modules': 'off' },
      },
    ],
  }),
  'components/main.ts': [
    "import { size } from '../src/disk/mod.js';",
    "import { size as direct } from '../src/disk/files.js';",
    "import { cwd } from 'node:process';",
    "import '../src/long/mod.js';",
    'export default 1;',
    'let count = (size as any)(cwd());',
    'class Box {',
    '  open(): void {}',
    '  shut(): void {}',
    '}',
    'new Box().open();',
    "count += direct('x');",
    '',
  ].join('\n'),
  'src/disk/mod.ts': "export { size } from './files.js';\nexport { large } from './large.js';\n",
  'src/disk/large.ts':
    "import { twice } from '../other/mod.js';\nexport const large = (): boolean => twice() > 2;\n",
  'src/disk/forgotten.ts': 'console.log(1);\n',
  'src/other/mod.ts': "import { twice } from './twice.js';\nexport { twice };\n",
  'src/other/twice.ts':
    "import { size } from '../disk/mod.js';\nexport function twice(): number {\n  return 2 * size('x');\n}\n",
  'src/long/mod.ts': "import './long.js';\n",
  'src/long/long.ts': `function long(): void {\n${line('  console.log(1);', 400)}}\nlong();\n`,
};

/** Where each finding is; none for figures of the whole. */
const FINDINGS: Readonly<Record<string, readonly string[]>> = {
  'file lines, p90': ['src/long/long.ts'],
  'file lines, max': ['src/long/long.ts'],
  'function lines, p90': [],
  adapters: [],
  any: ['components/main.ts:6'],
  'default exports': ['components/main.ts:5'],
  'module-level let': ['components/main.ts:6'],
  'node: outside adapters': ['components/main.ts:3'],
  'idle adapters': Array.from({ length: LIMITS.adapters }, (_, index) => `src/adapter-${index}.ts`),
  'imports past a mod.ts': ['components/main.ts:2'],
  'code in a mod.ts': ['src/long/mod.ts:1', 'src/other/mod.ts:1'],
  'circles between folders': ['src/disk, src/other'],
  'dead files': ['src/disk/forgotten.ts'],
  'dead exports': ['src/disk/mod.ts:2', 'src/disk/large.ts:2'],
  'dead members': ['components/main.ts:9'],
  'dead dependencies': ['package.json'],
};

function measured(files: Readonly<Record<string, string>>): { rows: readonly Row[]; code: number | null } {
  const root = mkdtempSync(join(tmpdir(), 'house-'));
  try {
    for (const folder of ['src', 'deploy', 'components', 'examples', 'test']) mkdirSync(join(root, folder));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, '--json', '--root', root], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    return { rows: (JSON.parse(stdout) as { measures: Row[] }).measures, code: status };
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe('npm run measure', () => {
  it('passes a house that breaks nothing, with figures for all it measures', () => {
    const { rows, code } = measured(CLEAN);
    assert.deepEqual(
      rows.filter(({ holds }) => !holds),
      [],
    );
    assert.equal(code, 0);
    const value = (name: string): number | undefined => rows.find((row) => row.name === name)?.value;
    assert.equal(value('files'), 3);
    assert.equal(value('functions'), 1);
    assert.equal(value('function lines, median'), 3);
    assert.equal(value('file lines, max'), 4);
    assert.equal(value('adapters'), 1);
  });

  describe('in a house where each limit is broken', () => {
    let result: ReturnType<typeof measured>;
    before(() => {
      result = measured(BROKEN);
    });

    it('exits with 1', () => assert.equal(result.code, 1));

    it('has an expectation for each limit', () => {
      const limited = result.rows.filter(({ limit }) => limit !== null).map(({ name }) => name);
      assert.deepEqual(limited, Object.keys(FINDINGS));
    });

    for (const [measure, where] of Object.entries(FINDINGS)) {
      it(`breaks the limit of '${measure}', and says where`, () => {
        const row = result.rows.find(({ name }) => name === measure);
        assert.equal(row?.holds, false);
        const places = row.findings.map((finding) => finding.where);
        assert.deepEqual(measure.startsWith('file lines') ? places.slice(0, 1) : places, where);
      });
    }
  });
});
