import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monthlyCost, TYPICAL } from '../../../deploy/report/mod.js';
import { ROOT } from '../../../examples/stage/root.js';

const dollars = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

describe('the cost of a fleet', () => {
  it('is what docs/scale.md says', async () => {
    const text = await readFile(join(ROOT, 'docs/scale.md'), 'utf8');
    const rows = text.split('\n').map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
    for (const devices of [1_000, 100_000, 10_000_000]) {
      const { heartbeats, indexing, rollouts, captures, total } = monthlyCost({ devices, ...TYPICAL });
      const row = rows.find(([first]) => first === devices.toLocaleString('en-US'));
      assert.deepEqual(row?.slice(1), [heartbeats, indexing, rollouts, captures, total].map(dollars));
    }
    const at = (change: Partial<typeof TYPICAL>): number => {
      const { heartbeats, indexing } = monthlyCost({ devices: 100_000, ...TYPICAL, ...change });
      return heartbeats + indexing;
    };
    assert.equal(Math.round(at({})), 365);
    assert.equal(Math.round(at({ heartbeatMinutes: 1440 })), 15);
    assert.equal(Math.round(at({ heartbeatMinutes: 5 })), 4380);
  });

  it('counts messages in steps of 5 KB and shadows in steps of 1 KB', () => {
    const cost = (heartbeatBytes: number): number =>
      monthlyCost({ devices: 1, ...TYPICAL, heartbeatBytes }).heartbeats;
    const beats = (730 * 60) / (60 * 0.9);
    assert.ok(Math.abs(cost(1024) - (beats * 2.25) / 1e6) < 1e-12);
    assert.ok(Math.abs(cost(1025) - (beats * 3.5) / 1e6) < 1e-12);
    assert.ok(Math.abs(cost(5121) - (beats * 9.5) / 1e6) < 1e-12);
  });
});
