import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { OPERATIONS } from '../../src/local/cloud/s3/operation-table.js';

describe('docs/local-s3.md', () => {
  it('names the operations that there are, and no others', async () => {
    const page = await readFile('docs/local-s3.md', 'utf8');
    const rows = page.split('\n').filter((line) => /^\| (buckets|objects|tags|uploads)/.test(line));
    const named = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    assert.deepEqual(new Set(named), new Set(Object.keys(OPERATIONS)));
  });
});
