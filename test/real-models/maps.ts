import assert from 'node:assert/strict';
import { elements } from '../../src/client/mod.js';
import type { Tensor } from '../../src/contract/mod.js';
import type { MadeCase } from './sources.js';

/** Class by class, by the labels of the package. */
export function checkMaps({ maps }: MadeCase, outputs: readonly Tensor[], labels: readonly string[]): void {
  for (const [name, rows] of Object.entries(maps)) {
    const output = outputs.find((one) => one.name === name);
    assert.ok(output !== undefined, `there is no output ${name}`);
    const scores = [...elements(output)].map(Number);
    const got = rows.map((_row, index) => scores.slice(index * labels.length, (index + 1) * labels.length));
    for (const [index, row] of rows.entries()) {
      assert.deepEqual(Object.keys(row).toSorted(), labels.toSorted());
      for (const [column, label] of labels.entries()) {
        const difference = Math.abs((row[label] ?? Number.NaN) - (got[index]?.[column] ?? Number.NaN));
        assert.ok(difference <= 1e-5, `${name} of class ${label}: ${difference}`);
      }
    }
  }
}
