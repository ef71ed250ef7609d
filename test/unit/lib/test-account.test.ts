import assert from 'node:assert/strict';
import { secondTries, slowest, type AccountRow } from '../../lib/test-account.js';

const row = (title: string, more: Partial<AccountRow> = {}): AccountRow => ({
  file: 'unit/a.test.js',
  title,
  wallMs: 10,
  cpuMs: 5,
  attempt: 0,
  ...more,
});

describe('the account of a test run', () => {
  it('names each test once that needed a second try', () => {
    const rows = [row('one'), row('two'), row('two', { attempt: 1 }), row('two', { attempt: 2 })];
    assert.deepEqual(secondTries(rows), ['unit/a.test.js: two']);
  });

  it('lists tests by time and files by CPU, the worst first', () => {
    const rows = [
      row('quick'),
      row('slow', { wallMs: 2000, file: 'unit/b.test.js' }),
      row('busy', { wallMs: 1000, cpuMs: 900 }),
    ];
    const lines = slowest(rows).split('\n');
    const at = (text: string): number => lines.findIndex((line) => line.includes(text));
    assert.ok(at('slow') < at('busy') && at('busy') < at('quick'));
    assert.ok(lines.lastIndexOf(lines.find((line) => line.endsWith('unit/a.test.js')) ?? '') > at('quick'));
    assert.match(lines.at(-1) ?? '', /unit\/b\.test\.js$/);
  });
});
