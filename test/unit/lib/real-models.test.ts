import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../../examples/stage/root.js';
import { KINDS, REAL_MODELS } from '../../real-models/list.js';
import { BEGIN, END, HEAD, tableOf, withTable, type Row } from '../../real-models/table.js';

const CELLS = [/^\d+\.\d\d MB$/, /^\d+ ms$/, /^\d+\.\d\d ms$/, /^\d+ MB$/, /^(0|\d\.\de[+-]\d+)$/];

describe('the table of real models', () => {
  it('in docs/models.md is as npm run real-models writes it, with all its models', async () => {
    const page = await readFile(join(ROOT, 'docs', 'models.md'), 'utf8');
    const lines = page
      .slice(page.indexOf(BEGIN), page.indexOf(END))
      .split('\n')
      .filter((one) => one.startsWith('|'));
    const rows = lines.map((line) => line.slice(2, -2).split(' | '));
    assert.deepEqual(rows[0], HEAD);
    assert.deepEqual(
      rows.slice(2).map((cells) => cells.slice(0, 3)),
      REAL_MODELS.map(({ name, kind, from }) => [name, kind, from]),
    );
    for (const cells of rows.slice(2)) {
      for (const [index, pattern] of CELLS.entries())
        assert.match(cells[index + 3] ?? '', pattern, cells.join());
    }
  });

  it('holds twenty models, at least three of each kind', () => {
    assert.ok(REAL_MODELS.length >= 20);
    for (const kind of KINDS) assert.ok(REAL_MODELS.filter((one) => one.kind === kind).length >= 3, kind);
  });

  it('says of a model that it could not be had, and is written in place of the former one only', () => {
    const model = { name: 'one', kind: 'text', from: 'somebody 1.0' } as const;
    const measured = {
      sizeBytes: 1_234_567,
      loadMs: 12.6,
      runMs: 0.25,
      memoryBytes: 71e6,
      difference: 2.5e-7,
    };
    const rows: Row[] = [
      { model, measured },
      { model: { ...model, name: 'two' }, measured: undefined },
    ];
    const table = tableOf(rows);
    assert.match(
      table,
      /\| one \| text \| somebody 1\.0 \| 1\.23 MB \| 13 ms \| 0\.25 ms \| 71 MB \| 2\.5e-7 \|/,
    );
    assert.match(table, /\| two \| text \| somebody 1\.0 \| not to be had here \|/);
    assert.equal(withTable(`a\n${BEGIN}\nold\n${END}\nb`, table), `a\n${table}\nb`);
    assert.throws(() => withTable('a', table), /lacks/);
  });
});
