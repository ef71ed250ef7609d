import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../../', import.meta.url);
const text = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const markdown = (folder: string): string[] =>
  readdirSync(new URL(folder, root)).filter((name) => name.endsWith('.md'));

describe('the pages', () => {
  it('README.md names each page of docs', () => {
    const missing = markdown('docs').filter((page) => !text('README.md').includes(`(docs/${page})`));
    assert.deepEqual(missing, []);
  });

  it('README.md names each folder of src', () => {
    const folders = readdirSync(new URL('src', root), { withFileTypes: true }).filter((one) =>
      one.isDirectory(),
    );
    const missing = folders.filter(({ name }) => !text('README.md').includes(`\`src/${name}\``));
    assert.deepEqual(missing, []);
  });

  it('docs/decisions/README.md names each decision once, in order', () => {
    const index = [...text('docs/decisions/README.md').matchAll(/\]\((\d{4}-[\w-]+\.md)\)/g)].map(
      (one) => one[1],
    );
    assert.deepEqual(
      index,
      markdown('docs/decisions')
        .filter((name) => name !== 'README.md')
        .toSorted(),
    );
  });
});
