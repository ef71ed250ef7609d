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

  it('the agent says the version of package.json', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string };
    const said = /AGENT_VERSION = '([^']+)'/.exec(text('src/runtime/agent/context.ts'))?.[1];
    assert.equal(said, version);
  });

  it('all components that are deployed together have one version', () => {
    const files = [
      'recipe.yaml',
      ...['AgentRuntime', 'CaptureUploader', 'EdgeManager'].map(
        (name) => `recipes/org.edgemanager.${name}.yaml`,
      ),
    ];
    const versions = files.map((file) => /^ComponentVersion: (\S+)$/m.exec(text(file))?.[1]);
    assert.equal(new Set(versions).size, 1, versions.join(', '));
  });
});
