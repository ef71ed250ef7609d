import assert from 'node:assert/strict';
import { closed, notesOf, unreleased } from '../../../deploy/release/mod.js';

const CHANGELOG = '# Changelog\n\nAll changes.\n\n## Unreleased\n\n- One.\n- Two.\n\n## 1.0.0\n\n- Zero.\n';

describe('the changelog', () => {
  it('tells what has changed since the last release', () => {
    assert.equal(unreleased(CHANGELOG), '- One.\n- Two.');
    assert.equal(unreleased('# Changelog\n\n## Unreleased\n\n## 1.0.0\n\n- Zero.\n'), '');
  });

  it('is closed under the version, with an empty part for what comes', () => {
    const text = closed(CHANGELOG, '1.1.0');
    assert.equal(unreleased(text), '');
    assert.equal(notesOf(text, '1.1.0'), '- One.\n- Two.');
    assert.equal(notesOf(text, '1.0.0'), '- Zero.');
  });

  it('names the heading that it lacks', () => {
    assert.throws(() => notesOf(CHANGELOG, '9.0.0'), /CHANGELOG\.md as it has no heading '## 9\.0\.0'/);
  });
});
