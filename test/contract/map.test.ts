import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const MAP = text('docs/architecture.md');
const foldersOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map(({ name }) => name)
    .sort();

const PATH = /\b(?:src|deploy|components|recipes|docs|test|scripts|examples)\/[\w./-]*\w/g;

/** File names without a folder stand in that of the last path before them on their line. */
function filesOf(line: string): string[] {
  const files: string[] = [];
  let folder = '';
  for (const [token] of line.matchAll(
    /(?:src|deploy|components|recipes|docs|test)\/[\w./-]*\w|`[\w.-]+\.ts`/g,
  )) {
    const name = token.replaceAll('`', '');
    // Every room has one.
    if (name === 'mod.ts') continue;
    if (token.startsWith('`')) files.push(join(folder, name));
    else folder = /\.\w+$/.test(name) ? dirname(name) : name;
  }
  return files;
}

describe('the map of the code', () => {
  it('names only files and folders that are there', () => {
    const named = [...(MAP.match(PATH) ?? []), ...MAP.split('\n').flatMap(filesOf)];
    assert.ok(named.length > 100, String(named.length));
    assert.deepEqual(
      named.filter((path) => !existsSync(join(root, path))),
      [],
    );
  });

  it('names every room', () => {
    const rooms = [
      ...foldersOf('src').map((name) => `src/${name}`),
      ...foldersOf('src/runtime').map((name) => `${name}/`),
    ];
    assert.deepEqual(
      rooms.filter((room) => !MAP.includes(room)),
      [],
    );
    // A row may name several rooms of deploy at once.
    const rows = [...MAP.matchAll(/^\| `deploy\/.*?\|/gm)].join(' ');
    assert.deepEqual(
      foldersOf('deploy').filter((name) => !new RegExp(`[\`/]${name}[\`/]`).test(`${rows} ${MAP}`)),
      [],
    );
  });

  it('has twelve questions for a reader, whose answers are there', () => {
    const questions = JSON.parse(text('test/map.json')) as { question: string; answers: string[] }[];
    assert.equal(questions.length, 12);
    for (const { question, answers } of questions) {
      assert.ok(answers.length > 0, question);
      for (const answer of answers) {
        assert.ok(existsSync(join(root, answer)), answer);
        assert.ok(!question.includes(answer), question);
        // Whole, or by its name on a line that names its folder.
        const isOnMap = MAP.includes(answer) || MAP.split('\n').flatMap(filesOf).includes(answer);
        assert.ok(isOnMap, `${answer} is not on the map`);
      }
    }
  });
});

describe("README.md's table of folders", () => {
  it('has each folder once, and none that is not there', () => {
    const table = text('README.md').split('## Folders')[1]?.split('\n## ')[0] ?? '';
    const named = [...table.matchAll(/^\| (.*?) \|/gm)]
      .flatMap(([, cell = '']) =>
        [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace(/\/$/, '')),
      )
      .toSorted();
    const isOurs = (name: string): boolean => !['.git', 'node_modules', 'dist', 'bench'].includes(name);
    const top = foldersOf('.').filter(
      (name) => isOurs(name) && name !== 'src' && name !== 'greengrass-build',
    );
    assert.deepEqual(named, [...top, ...foldersOf('src').map((name) => `src/${name}`)].toSorted());
  });
});
