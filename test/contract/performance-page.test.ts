import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';
import { HEAD, readDocument } from '../bench/report/mod.js';
import { ROWS } from '../bench/rows.js';

const VALUE = /^-?\d+(\.\d+)?( \S+)*$/;
const BETWEEN = /^(-?\d+(\.\d+)? to -?\d+(\.\d+)?)?$/;
const GOAL = /^(<=|>=) -?\d+(\.\d+)?$/;

describe('docs/performance.md', () => {
  it('has the table that npm run bench -- --write-docs writes: its rows in their order, its columns, its machine', async () => {
    const { machine, head, lines } = readDocument(
      await readFile(join(ROOT, 'docs', 'performance.md'), 'utf8'),
    );
    assert.match(
      machine,
      /^Measured on .+, \d+ cores?, \d+ GB, Linux \S+, Node v\d+\.\d+\.\d+, \d{4}-\d\d-\d\d( to \d{4}-\d\d-\d\d)?\. The rows took \d+ s; in the minute before, \d+(\.\d+)? processes wanted a core\./,
    );
    assert.deepEqual(head, HEAD);
    const names = lines.map(([name]) => name);
    const once = names.filter((name, at) => name !== names[at - 1]);
    assert.deepEqual(
      once,
      ROWS.map(({ name }) => name),
    );
    for (const line of lines) {
      const [, , value = '', between = '', goal = '', verdict = '', beside = ''] = line;
      assert.equal(line.length, HEAD.length, line.join(' | '));
      assert.ok(['met', 'not met', 'noisy', 'skipped'].includes(verdict), line.join(' | '));
      if (verdict === 'skipped' || value === '') {
        assert.notEqual(beside, '', `${line.join(' | ')} says no reason`);
        continue;
      }
      assert.match(value, VALUE);
      assert.match(between, BETWEEN);
      assert.match(goal, GOAL);
    }
  });

  it('is about rows of one name each', () => {
    assert.equal(new Set(ROWS.map(({ name }) => name)).size, ROWS.length);
  });
});
