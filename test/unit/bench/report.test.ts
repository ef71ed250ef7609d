import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atMost, skipped } from '../../bench/judge/mod.js';
import {
  HEAD,
  machineText,
  mergeResults,
  readDocument,
  readResults,
  tableOf,
  withResults,
  writeResults,
  type RowResult,
} from '../../bench/report/mod.js';

const MACHINE = { cpu: 'AMD EPYC', cores: 2, memoryGb: 8, kernel: 'Linux 6.1', node: 'v20.19.0' };
const PAGE =
  '# Performance\n\nBefore.\n\n<!-- prettier-ignore-start -->\nold\n<!-- prettier-ignore-end -->\n\nAfter.\n';

function row(name: string, over: Partial<RowResult> = {}): RowResult {
  const figure = atMost(2, { figure: `${name} | figure`, value: 1.5, unit: 'x', detail: { echo: 1.25 } });
  return {
    name,
    measuredAt: '2026-11-26T10:00:00.000Z',
    tookSeconds: 4,
    share: 1,
    load: 0.5,
    figures: [figure],
    ...over,
  };
}

describe('results', () => {
  it('take the place of the same row, in the order of the bench, and forget rows that nobody knows', () => {
    const before = { format: 2 as const, machine: MACHINE, rows: [row('b'), row('gone'), row('a')] };
    const newer = row('b', { tookSeconds: 9 });
    const { rows } = mergeResults(before, { machine: MACHINE, rows: [newer] }, ['a', 'b', 'c']);
    assert.deepEqual(rows, [row('a'), newer]);
  });

  it('of another machine are no neighbours', () => {
    const before = { format: 2 as const, machine: { ...MACHINE, cores: 8 }, rows: [row('a')] };
    assert.deepEqual(mergeResults(before, { machine: MACHINE, rows: [row('b')] }, ['a', 'b']).rows, [
      row('b'),
    ]);
  });

  it('are read as they were written; what has another form, or is no JSON, is as good as none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edge-bench-results-'));
    try {
      const file = join(folder, 'below', 'results.json');
      const results = mergeResults(undefined, { machine: MACHINE, rows: [row('a')] }, ['a']);
      assert.equal(await readResults(file), undefined);
      await writeResults(file, results);
      assert.deepEqual(await readResults(file), results);
      for (const text of ['{"rows":[]}', 'null', '{']) {
        await writeFile(file, text);
        assert.equal(await readResults(file), undefined);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the documented table', () => {
  const results = mergeResults(
    undefined,
    {
      machine: MACHINE,
      rows: [
        row('a'),
        row('b', { figures: [skipped('f', 'no Python')] }),
        row('c', { figures: [], error: 'no disk' }),
      ],
    },
    ['a', 'b', 'c'],
  );
  const written = withResults(PAGE, results, ['a', 'b', 'c', 'd']);

  it('names the machine and has a line for each figure, each row that failed or was skipped, and each not measured', () => {
    const { machine, head, lines } = readDocument(written);
    assert.ok(
      machine.startsWith(`Measured on ${machineText(MACHINE)}, 2026-11-26. The rows took 12 s;`),
      machine,
    );
    assert.deepEqual(head, HEAD);
    assert.deepEqual(lines, [
      ['a', 'a | figure', '1.5 x', '', '<= 2', 'met', 'echo 1.25'],
      ['b', 'f', '', '', '', 'skipped', 'no Python'],
      ['c', '', '', '', '', 'not met', 'no disk'],
      ['d', '', '', '', '', 'skipped', 'not measured in this run'],
    ]);
  });

  it('leaves the rest of the page alone, and is written over itself', () => {
    assert.ok(written.startsWith('# Performance\n\nBefore.\n\n<!--'));
    assert.ok(written.endsWith('-->\n\nAfter.\n'));
    assert.ok(!written.includes('old'));
    assert.equal(withResults(written, results, ['a', 'b', 'c', 'd']), written);
  });

  it('says that the machine was busy and that counts were cut, where they were', () => {
    assert.doesNotMatch(written, /busy|cut/);
    const busy = { ...results, rows: [row('a', { load: 6.5, share: 0.1 })] };
    const { machine } = readDocument(withResults(PAGE, busy, ['a']));
    assert.match(machine, /busy with other work/);
    assert.match(machine, /cut, to 10 %/);
  });

  it('wants its marks', () => {
    assert.throws(() => withResults('# Performance\n', results, []), /Cannot find the bench's table/);
  });

  it('has the words of the terminal', () => {
    const shown = tableOf(results.rows);
    for (const text of ['met', '1.5 x', '<= 2', 'no Python', 'no disk'])
      assert.ok(shown.includes(text), text);
  });
});
